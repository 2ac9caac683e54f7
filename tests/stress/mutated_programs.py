"""Sends damaged videos through the real programs, each in processes of its own.

What a program says of a damaged file is compared with what it says of the
undamaged one. See ``mutated_videos.py`` for the words of the table.
"""

import json
import os
import os.path as osp
import shutil
import subprocess
import sys
from collections import Counter

import torch
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules

from bike_mmaction.datasets.checksums import write_checksums
from bike_mmaction.datasets.pipeline_access import SPLITS, own_dataset
from bike_mmaction.evaluation.dump_files import load_dump
from bike_mmaction.files import file_sha256
from bike_mmaction.recipes import set_clip_len
from tests.kit import ROOT
from tests.kit.configs import load_tiny
from tests.kit.lists import write_text
from tests.kit.models import CLASSES, write_checkpoint
from tests.kit.tools import environment
from tests.stress.mutated_videos import decodes_cleanly
from tests.stress.mutations import mutate, seeded

NAME = 'bike_vitb32_k400'
LIMIT = '20'  # seconds for a file
FRAMES = 16  # of each video
PARTNER = 'partner.mp4'  # that is whole
DEADLINE = 1800  # seconds, after which a program hangs
CLOSE = 1e-5  # scores of other batches differ by so much


class Files:
    """Damaged videos in a folder, with all that programs need.

    Args:
        folder (str): Where they are written.
        sources (list[str]): The undamaged ones.
        count (int): How many damaged ones are made of them.
        seed (int): Of what is damaged.

    Attributes:
        source_of (dict[str, str]): By each path, that of its source.
        sums (str): A file of checksums, of what each was before.
    """

    def __init__(self, folder, sources, count, seed):
        self.folder = f'{folder}/videos'
        os.makedirs(self.folder)
        self.source_of, before = {}, {}
        for number in range(-len(sources), count):
            source = sources[number % len(sources)]
            with open(source, 'rb') as file:
                content = file.read()
            name = f'{number}{osp.splitext(source)[1]}' if number >= 0 else 'whole-'
            name += '' if number >= 0 else osp.basename(source)
            path = f'{self.folder}/{name}'
            with open(path, 'wb') as file:
                if number >= 0:
                    content = mutate(content, seeded(seed, number))[1]
                file.write(content)
            self.source_of[path] = source
            before[path] = file_sha256(source)
        self.whole = {
            source: f'{self.folder}/whole-{osp.basename(source)}' for source in sources
        }
        self.damaged = [p for p in self.source_of if p not in self.whole.values()]
        self.changed = {p for p in self.source_of if file_sha256(p) != before[p]}
        self.sums = f'{folder}/before.sha256'
        write_checksums(self.sums, before)
        self.config, self.checkpoint = self._write_model(folder)

    def _write_model(self, folder):
        """A tiny model of random weights; its training never changes it."""
        names = [osp.basename(path) for path in self.source_of]
        lists = dict(
            val=[f'{name} 0' for name in names],
            # A loss is of two classes.
            train=[line for name in names for line in (f'{name} 0', f'{PARTNER} 1')],
        )
        shutil.copy(next(iter(self.whole)), f'{self.folder}/{PARTNER}')
        register_all_modules()
        cfg = load_tiny(NAME, CLASSES)
        set_clip_len(cfg, FRAMES)
        for split in SPLITS:
            lines = lists.get(split, lists['val'])
            own_dataset(cfg, split).update(
                ann_file=write_text(f'{folder}/{split}.txt', *lines),
                data_prefix=dict(video=self.folder),
            )
            cfg[f'{split}_dataloader'].update(
                batch_size=1, num_workers=1, persistent_workers=False
            )
        cfg.train_dataloader.batch_size = 2
        # The same frames each time, and steps that change nothing.
        train = own_dataset(cfg, 'train')
        train.pipeline = own_dataset(cfg, 'val').pipeline
        cfg.train_dataloader.sampler.shuffle = False
        cfg.optim_wrapper.optimizer.lr = 0.0
        cfg.param_scheduler = []
        cfg.train_cfg.update(max_epochs=1, val_interval=10)
        cfg.default_hooks.logger.interval = 1
        cfg.log_processor = dict(type='LogProcessor', window_size=1)
        cfg.load_from = None
        config = f'{folder}/{NAME}.py'
        cfg.dump(config)
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        return config, write_checkpoint(model, f'{folder}/model.pth')


class Result:
    """What a program says of the files.

    Attributes:
        values (dict[str, list[float]]): By path, what came of those it used.
        said (dict[str, str]): By path, what it says is wrong.
        status (int, optional): Its exit status; None if it did not end in time.
        log (str): The end of what it has printed.
    """

    def __init__(self, work, *argv):
        os.makedirs(work, exist_ok=True)
        self.values, self.said = {}, {}
        with open(f'{work}/log.txt', 'w') as log:
            try:
                self.status = subprocess.run(
                    [sys.executable, f'{ROOT}/bike_mmaction_cli.py', *argv],
                    cwd=work,
                    env=environment(),
                    stdout=log,
                    stderr=log,
                    timeout=DEADLINE,
                ).returncode
            except subprocess.TimeoutExpired:
                self.status = None
        with open(f'{work}/log.txt', errors='replace') as log:
            self.log = log.read()[-3000:]


def infer(files, work):
    """`bike infer` of the folder."""
    argv = ['infer', files.folder, '--config', files.config, '--json', f'{work}/a.json']
    argv += ['--checkpoint', files.checkpoint, '--device', 'cpu', '--workers', '1']
    result = Result(work, *argv, '--topk', '3', '--time-limit', LIMIT)
    for one in _read(f'{work}/a.json', []):
        scores = [score for _, score in sorted(one['predictions'])]
        result.values[one['source']] = scores
        if one['error'] or one['warning']:
            result.said[one['source']] = one['error'] or one['warning']
    return result


def test(files, work):
    """`bike test`, and the scores that it dumps."""
    argv = ['test', files.config, files.checkpoint, '--work-dir', f'{work}/run']
    result = Result(work, *argv, '--dump', f'{work}/scores.pkl')
    unreadable = _read_bad(_read(_find(f'{work}/run', 'results.json'), {}), result)
    if osp.exists(f'{work}/scores.pkl'):
        paths = [path for path in files.source_of if path not in unreadable]
        entries = load_dump(f'{work}/scores.pkl')
        assert len(entries) == len(paths), (len(entries), len(paths))
        for path, one in zip(paths, entries):
            result.values[path] = torch.as_tensor(one['pred_score']).tolist()
    return result


def train(files, work):
    """`bike train`, where the loss of each step tells of its video."""
    argv = ['train', files.config, '--work-dir', f'{work}/run', '--cfg-options']
    argv += ['default_hooks.bad_videos.share=1', f'load_from={files.checkpoint}']
    result = Result(work, *argv)
    log = _find(f'{work}/run', 'scalars.json')
    if log:
        with open(log) as file:
            steps = [json.loads(line) for line in file]
        losses = [step['loss'] for step in steps if 'loss' in step]
        assert len(losses) == len(files.source_of), result.log
        result.values = {p: [loss] for p, loss in zip(files.source_of, losses)}
    bad = _read(_find(f'{work}/run', 'bad_videos.json'), {})
    _read_bad(bad.get('training', {}), result)
    return result


def check(files, work):
    """`bike check-videos`, which also compares checksums."""
    argv = ['check-videos', files.config, '--split', 'val', '--full', '--workers']
    argv += ['1', '--out', f'{work}/usable.txt', '--against', files.sums]
    result = Result(work, *argv)
    for one in _read(f'{work}/usable.txt.report.json', dict(problems=[]))['problems']:
        # One that is only short is not named: the whole videos are not.
        if one['problem'] != 'too short' or ';' in one['reason']:
            result.said[one['path']] = one['reason']
    compared = _read(f'{work}/usable.txt.checksums.json', dict(changed=()))
    result.values = {p: [float(p in compared['changed'])] for p in files.source_of}
    return result


PROGRAMS = dict(infer=infer, test=test, train=train, check=check)


def _read(path, default):
    if not osp.exists(path):
        return default
    with open(path) as file:
        return json.load(file)


def _find(folder, name):
    paths = [f'{place}/{name}' for place, _, names in os.walk(folder) if name in names]
    return paths[0] if paths else ''


def _read_bad(content, result):
    """Note what a run has written of bad videos; those it could not read."""
    for one in content.get('damaged', ()):
        result.said[one['file']] = one['missing']
    unreadable = {text.split("'")[1]: text for text in content.get('unreadable', ())}
    result.said.update(unreadable)
    return unreadable


def verdict_of(path, files, result, is_check):
    """What came of a file, in a word; see ``mutated_videos.py``."""
    said = result.said.get(path)
    if said:
        if 'not read within' in said:
            return 'hang'
        return 'crash' if 'crashed' in said else 'named'
    value = result.values.get(path)
    if is_check:
        is_known = bool(value and value[0])
        return (
            'checksum'
            if is_known
            else 'same'
            if path not in files.changed
            else 'silent'
        )
    whole = result.values[files.whole[files.source_of[path]]]
    if not value:
        return 'lost'
    if len(value) == len(whole) and all(
        abs(a - b) <= CLOSE * max(1, abs(b)) for a, b in zip(value, whole)
    ):
        return 'same'
    is_known = path in files.changed and decodes_cleanly(path)
    return 'checksum' if is_known else 'silent'


def run(programs, sources, count, seed, folder):
    """Send files through programs.

    Returns:
        dict[str, Counter]: How many files there are of each verdict, by program.
    """
    files, verdicts = Files(folder, sources, count, seed), {}
    for name in programs:
        result = PROGRAMS[name](files, f'{folder}/{name}')
        expected = (0, 1) if name in ('infer', 'check') else (0,)
        if result.status not in expected:
            print(f'{name} ended with status {result.status}:\n{result.log}')
            way = 'hang' if result.status is None else 'crash'
            verdicts[name] = Counter({f'{way} of the program': 1})
            continue
        verdicts[name] = Counter()
        for path in files.damaged:
            verdict = verdict_of(path, files, result, name == 'check')
            verdicts[name][verdict] += 1
            if verdict not in ('named', 'same', 'checksum'):
                print(f'{name}: {osp.basename(path)}: {verdict}')
    return verdicts
