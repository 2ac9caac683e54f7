"""Generate attribute files: the paper's video-attributes association."""

import copy
import os.path as osp
from collections.abc import Sequence
from typing import Any, Optional, Union

from mmaction.registry import DATASETS, MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process
from mmengine.evaluator import Evaluator
from mmengine.logging import print_log
from mmengine.runner import Runner
from tqdm import tqdm

from ..checkpoint.digest import weights_sha256
from ..datasets.attribute_file import AttributeFile
from ..datasets.lexicon import load_lexicon
from ..datasets.pipeline_access import own_dataset
from ..evaluation.attributes_dump import AttributesDump
from ..evaluation.journal import by_main_process
from ..files import sha256
from ..models.association import association_model, clip_of
from ..models.clip.pipeline_fit import warn_of_misfits
from ..models.text_head import PROMPT
from ..models.wrappers import unwrap_model
from ..training import CHECKS
from ..version import __version__


# Longer than others for its arguments.
def generate_attributes(
    cfg: Config,
    lexicon: Union[str, Sequence[str]],
    topk: int,
    out: str,
    split: str = 'test',
    prompt: str = PROMPT,
    overwrite: bool = False,
) -> dict:
    """Write the nearest phrases of a lexicon for every video of a data set.

    A run that was stopped goes on where it was: what is done lies in the
    folder ``out`` + '.partial'. In distributed mode every process calls this.

    Args:
        cfg (Config): Config of a recognizer: says which CLIP, with which
            weights (those of ``model.association``, or else of the model
            itself), on which videos. Its launcher and ``work_dir`` count.
        lexicon (str | Sequence[str]): See
            :func:`bike_mmaction.datasets.lexicon.load_lexicon`.
        topk (int): Phrases per video.
        out (str): The file to write, see
            :mod:`bike_mmaction.datasets.attribute_file`.
        split (str): Whose videos: 'train', 'val' or 'test'. All are sampled
            by the pipeline of the test. Defaults to 'test'.
        prompt (str): Sentence with ``{}`` for a phrase, or just '{}'.
            Defaults to 'This is a video about {}'.
        overwrite (bool): Whether to begin anew. Defaults to False.

    Returns:
        dict: Numbers of videos and of unreadable ones; empty if the file is
        already there.

    Raises:
        ValueError: if the config, the lexicon or ``topk`` does not fit, or
            ``out`` was made with other settings.
    """
    register_all_modules()
    phrases = load_lexicon(lexicon)
    dataset = _dataset(cfg, split)
    built = DATASETS.build(dict(dataset, lazy_init=True))  # joins its paths
    dump = AttributesDump(out, f'{out}.partial', phrases, topk, built.data_prefix)
    runner = _build_runner(cfg, dataset, prompt, dump)
    model: Any = unwrap_model(runner.model)  # the association model's recognizer
    model.init_weights()
    header = dict(
        generator=f'bike_mmaction {__version__}',
        model=_describe_model(model),
        lexicon=_describe_lexicon(lexicon, phrases),
        prompt=prompt,
        topk=topk,
        score='cosine similarity of phrase and mean frame embedding',
        sampling=dataset['pipeline'],
        preprocessing=cfg.model.get('data_preprocessor'),
        videos=_describe_videos(built.ann_file, dataset, split),
    )
    return _go_on(runner, dump, header, out, overwrite)


def _go_on(
    runner: Runner, dump: AttributesDump, header: dict, out: str, overwrite: bool
) -> dict:
    """Do what an earlier run has not; see :func:`generate_attributes`."""
    journal = dump.journal
    try:
        is_there = by_main_process(
            lambda: journal.begin(out, header, read_header, overwrite)
        )
        # Of an incomplete one the journal stays, for another attempt.
        if is_there and not by_main_process(lambda: journal.is_begun):
            print_log(f"'{out}' is already complete", 'current')
            return {}
        return _run(runner, dump)
    finally:
        journal.release()


def _run(runner: Runner, dump: AttributesDump) -> dict:
    """Test the videos that are left, with a bar of progress.

    Where there is no terminal, ten lines of the log take its place.
    """
    total, done = runner.test_loop.dataloader.sampler.total, 0
    with tqdm(
        total=total,
        desc='Attributes',
        unit='video',
        disable=not is_main_process() or None,
    ) as bar:

        def on_progress(count: int) -> None:
            nonlocal done
            before = done
            # Of the others as many: the processes take turns.
            done = min(done + count * get_world_size(), total)
            bar.update(done - before)
            if bar.disable and 10 * done // total > 10 * before // total:
                print_log(f'{done} of {total} videos', 'current')

        dump.on_progress = on_progress
        return runner.test()


def _build_runner(
    cfg: Config, dataset: dict, prompt: str, dump: AttributesDump
) -> Runner:
    """A test of the association model with a dump as its metric.

    Built of objects: in the runner's config a large lexicon would be logged.
    """
    clip = clip_of(cfg.model.get('association'))
    model = association_model(cfg.model, dump.phrases, prompt, **clip)
    if is_main_process():
        warn_of_misfits(model, dataset['pipeline'])
    options = {k: cfg[k] for k in ('launcher', 'log_level', 'randomness') if k in cfg}
    return Runner(
        model=MODELS.build(model),
        work_dir=cfg.work_dir,
        test_dataloader=_loader(cfg, dataset, dump.journal.folder),
        test_cfg=dict(type='ReadableTestLoop'),
        test_evaluator=Evaluator(dump),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=10**9),  # but a bar
            checkpoint=None,
            param_scheduler=None,
            check_finite=CHECKS['check_finite'],
            progress=CHECKS['progress'],
        ),
        default_scope='mmaction',
        env_cfg=_patient(cfg.get('env_cfg')),
        **options,
    )


def _loader(cfg: Config, dataset: dict, partial: str) -> dict:
    """The config's loader, for the videos that the journal lacks."""
    loader = copy.deepcopy(cfg.test_dataloader)
    # The labels are of the data set, not of the lexicon.
    reading = dict(
        type='ReportUnreadable', transforms=dataset['pipeline'], forget=('label',)
    )
    loader.dataset = dict(dataset, pipeline=[reading])
    loader.sampler = dict(
        type='PendingSampler', folder=partial, batch_size=loader.get('batch_size', 1)
    )
    loader.drop_last = False
    return loader


def _patient(env_cfg: Optional[dict]) -> dict:
    """At the end the processes wait for the slowest of them."""
    env_cfg = copy.deepcopy(dict(env_cfg or dict(dist_cfg=dict(backend='nccl'))))
    env_cfg['dist_cfg'] = dict(env_cfg.get('dist_cfg') or {}, timeout=86400)
    return env_cfg


def _dataset(cfg: Config, split: str) -> dict:
    """The videos of a split with the pipeline of the test."""
    pipeline = [
        dict(transform)
        for transform in copy.deepcopy(own_dataset(cfg, 'test')['pipeline'])
        if transform['type'] != 'LoadAttributes'
    ]
    packing = pipeline[-1]
    if packing['type'] != 'PackActionInputs' or 'collect_keys' in packing:
        raise ValueError(
            'the test pipeline must decode videos and end with '
            f'PackActionInputs, got {packing}'
        )
    packing.pop('algorithm_keys', None)
    packing['meta_keys'] = ('filename', 'frame_dir', 'sample_idx')
    dataset = copy.deepcopy(dict(own_dataset(cfg, split)))
    dataset.update(pipeline=pipeline, test_mode=True)
    return dataset


def _describe_model(model: Any) -> dict:
    """Which CLIP: its name and a digest of the weights it was given."""
    backbone = model.backbone
    pretrained = backbone.pretrained
    if pretrained is not None:
        pretrained = osp.basename(pretrained)  # a tag, or a file
    return dict(arch=backbone.arch, pretrained=pretrained, sha256=weights_sha256(model))


def _describe_lexicon(
    lexicon: Union[str, Sequence[str]], phrases: Sequence[str]
) -> dict:
    """Which phrases: their source, number and digest."""
    name = osp.basename(lexicon) if isinstance(lexicon, str) else 'a list'
    return dict(name=name, phrases=len(phrases), sha256=sha256('\n'.join(phrases)))


def _describe_videos(ann_file: str, dataset: dict, split: str) -> dict:
    """Which videos: their list, a digest of it, and how it is read.

    Not where they lie: data may move.
    """
    where = ('ann_file', 'data_prefix', 'data_root', 'pipeline')
    with open(ann_file, 'rb') as file:
        return dict(
            {k: v for k, v in dataset.items() if k not in where},
            split=split,
            list=osp.basename(ann_file),
            sha256=sha256(file.read()),
        )


def read_header(path: str) -> dict:
    """Provenance of an attribute file, without what is not a setting."""
    header = dict(AttributeFile(path).header)
    header.pop('unreadable', None)
    return header
