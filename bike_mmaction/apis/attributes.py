"""Generate attribute files: the paper's video-attributes association."""
import copy
import hashlib
import json
import os.path as osp
from typing import Sequence, Union

import torch.nn as nn
from mmengine.config import Config
from mmengine.dist import (broadcast_object_list, get_world_size,
                           is_main_process)
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from tqdm import tqdm

from ..datasets.attribute_file import AttributeFile
from ..datasets.lexicon import load_lexicon
from ..datasets.pipelines import own_dataset
from ..evaluation.attributes_dump import Journal, check_same
from ..models.association import PROMPT, association_model
from ..version import __version__


def generate_attributes(cfg: Config,
                        lexicon: Union[str, Sequence[str]],
                        topk: int,
                        out: str,
                        split: str = 'test',
                        prompt: str = PROMPT,
                        overwrite: bool = False) -> dict:
    """Write the nearest phrases of a lexicon for every video of a data set.

    A run that was stopped goes on where it was: what is done lies in the
    folder ``out`` + '.partial'. In distributed mode every process calls this.

    Args:
        cfg (Config): Config of a recognizer: says which CLIP, with which
            weights, on which videos. Its launcher and ``work_dir`` count.
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
    phrases = load_lexicon(lexicon)
    if not 1 <= topk <= len(phrases):
        raise ValueError(f'topk={topk}, but the lexicon has {len(phrases)} '
                         'phrases')
    dataset = _dataset(cfg, split)
    root = next(iter((dataset.get('data_prefix') or {}).values()), '')
    partial = f'{out}.partial'
    batch_size = cfg.test_dataloader.get('batch_size', 1)
    cfg = copy.deepcopy(cfg)
    cfg.model = association_model(cfg.model, phrases, prompt)
    loader = cfg.test_dataloader
    loader.dataset = dict(
        dataset,
        pipeline=[
            dict(type='ReportUnreadable', transforms=dataset['pipeline'])
        ])
    loader.sampler = dict(
        type='PendingSampler', folder=partial, batch_size=batch_size)
    loader.drop_last = False
    cfg.test_evaluator = dict(
        type='AttributesDump',
        out=out,
        folder=partial,
        lexicon=phrases,
        topk=topk,
        root=root)
    cfg.test_cfg = dict(type='ReadableTestLoop')
    for name in ('train', 'val'):
        for key in ('dataloader', 'cfg', 'evaluator'):
            cfg.pop(f'{name}_{key}', None)
    for name in ('optim_wrapper', 'param_scheduler', 'load_from', 'resume',
                 'auto_scale_lr'):
        cfg.pop(name, None)
    runner = Runner.from_cfg(cfg)
    model = getattr(runner.model, 'module', runner.model)
    model.init_weights()
    header = dict(
        generator=f'bike_mmaction {__version__}',
        model=_describe_model(model),
        lexicon=dict(
            name=osp.basename(lexicon)
            if isinstance(lexicon, str) else 'a list',
            phrases=len(phrases),
            sha256=_sha256('\n'.join(phrases).encode())),
        prompt=prompt,
        topk=topk,
        score='cosine similarity of phrase and mean frame embedding',
        sampling=dataset['pipeline'],
        videos=_describe_videos(dataset, split))
    done = [is_main_process() and _begin(out, partial, header, overwrite)]
    broadcast_object_list(done)
    if done[0]:
        print_log(f"'{out}' is already complete", 'current')
        return {}
    runner.register_hook(ProgressBar())
    return runner.test()


def _dataset(cfg: Config, split: str) -> dict:
    """The videos of a split with the pipeline of the test."""
    pipeline = [
        dict(transform)
        for transform in copy.deepcopy(own_dataset(cfg, 'test')['pipeline'])
        if transform['type'] != 'LoadAttributes'
    ]
    packing = pipeline[-1]
    if packing['type'] != 'PackActionInputs' or 'collect_keys' in packing:
        raise ValueError('the test pipeline must decode videos and end with '
                         f'PackActionInputs, got {packing}')
    packing.pop('algorithm_keys', None)
    packing['meta_keys'] = ('filename', 'frame_dir', 'sample_idx')
    dataset = copy.deepcopy(dict(own_dataset(cfg, split)))
    dataset.update(pipeline=pipeline, test_mode=True)
    return dataset


def _describe_model(model: nn.Module) -> dict:
    """Which CLIP: its name and a digest of the weights it was given."""
    backbone, digest = model.backbone, hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    pretrained = backbone.pretrained
    if pretrained is not None:
        pretrained = osp.basename(pretrained)  # a tag, or a file
    return dict(
        arch=backbone.arch, pretrained=pretrained, sha256=digest.hexdigest())


def _describe_videos(dataset: dict, split: str) -> dict:
    """Which videos: their list and a digest of it."""
    with open(dataset['ann_file'], 'rb') as file:
        return dict(
            split=split,
            list=osp.basename(dataset['ann_file']),
            sha256=_sha256(file.read()))


def _begin(out: str, partial: str, header: dict, overwrite: bool) -> bool:
    """Begin or go on; true if there is nothing to do."""
    header = json.loads(json.dumps(header))  # as it will be read back
    if overwrite:
        if osp.isdir(partial):
            Journal(partial).remove()
    elif osp.exists(out):
        check_same(read_header(out), header, out)
        return True
    Journal(partial).start(header)
    return False


def read_header(path: str) -> dict:
    """Provenance of an attribute file, without what is not a setting."""
    header = dict(AttributeFile(path).header)
    header.pop('unreadable', None)
    return header


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class ProgressBar(Hook):
    """Show how many videos are done and how long the others will take."""

    def before_test(self, runner) -> None:
        total = runner.test_dataloader.sampler.total
        self.bar = tqdm(
            total=total,
            desc='Attributes',
            unit='video',
            disable=not is_main_process())

    def after_test_iter(self,
                        runner,
                        batch_idx,
                        data_batch=None,
                        outputs=None) -> None:
        # Of the others as many: the processes take turns.
        count = len(data_batch['data_samples']) * get_world_size()
        self.bar.update(min(count, self.bar.total - self.bar.n))

    def after_test(self, runner) -> None:
        self.bar.update(self.bar.total - self.bar.n)
        self.bar.close()
