"""The web page as a process of its own, and what it takes of the machine."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from glob import glob

from mmengine.config import Config

from tests.kit import ROOT
from tests.kit.configs import load_config, shrink_model
from tests.kit.models import write_clip
from tests.kit.web_client import bytes_under


def write_tiny_config(folder):
    """A tiny model, whose reader crashes and hangs by the name of a file."""
    cfg = load_config('bike_vitb16_vcs_k400')
    shrink_model(cfg.model)
    weights = write_clip(f'{folder}/clip.pt', cfg.model.backbone.arch)
    for tower in (cfg.model.backbone, cfg.model.cls_head.text_encoder):
        tower.pretrained = weights
    cfg.custom_imports = dict(imports=['tests.kit.hostile'], allow_failed_imports=False)
    cfg.test_pipeline.insert(-1, dict(type='DecodeOrBreak'))
    cfg.test_dataloader.dataset.pipeline = cfg.test_pipeline
    Config(cfg._cfg_dict).dump(f'{folder}/tiny.py')
    return f'{folder}/tiny.py'


class PageProcess:
    """`bike web`, until the end of a ``with`` block.

    Args:
        folder (str): For its model and its files.
        *options (str): Of the command.
    """

    def __init__(self, folder, *options):
        self.files = f'{folder}/tmp'
        os.makedirs(self.files)
        command = ['web', '--config', write_tiny_config(folder), *options]
        self._process = subprocess.Popen(
            [sys.executable, '-W', 'ignore', '-m', 'bike_mmaction_cli', *command],
            cwd=ROOT,
            env=dict(os.environ, TMPDIR=self.files, PYTHONPATH=ROOT),
            stdout=subprocess.PIPE,
            stderr=open(f'{folder}/log', 'w'),
            text=True,
        )
        self.log, self.url = f'{folder}/log', None
        for line in self._process.stdout:
            address = re.match(r'(http\S+) \(stop', line)
            if address:
                self.url = address[1]
                break
        assert self.url, open(self.log).read()[-2000:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def memory(self):
        """Bytes of the page and of the processes that read for it; what they
        share counts once."""
        parents = {}
        for path in glob('/proc/[0-9]*/stat'):
            try:
                with open(path) as file:
                    fields = file.read().rpartition(')')[2].split()
            except OSError:
                continue
            parents[int(path.split('/')[2])] = int(fields[1])
        family = {self._process.pid}
        while True:
            more = {pid for pid, parent in parents.items() if parent in family}
            if more <= family:
                return sum(map(_share_of, family))
            family |= more

    def disk(self):
        """Bytes of its files."""
        return bytes_under(self.files)


def _share_of(pid):
    try:
        with open(f'/proc/{pid}/smaps_rollup') as file:
            return 1024 * int(re.search(r'Pss:\s+(\d+)', file.read())[1])
    except (OSError, TypeError):
        return 0


class Watch(threading.Thread):
    """Measures again and again, and keeps the largest value.

    Args:
        measure (Callable): Gives a number.
        pause (float): Seconds from one time to the next.
    """

    def __init__(self, measure, pause):
        super().__init__(daemon=True)
        self._measure, self._pause = measure, pause
        self._end, self.largest, self.error = threading.Event(), 0, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self.join()

    def run(self):
        while not self._end.is_set():
            try:
                self.largest = max(self.largest, self._measure())
            except Exception as error:
                self.error, self.largest = error, float('inf')
            self._end.wait(self._pause)


def timed(function):
    """Seconds that a call takes."""

    def measure():
        start = time.monotonic()
        function()
        return time.monotonic() - start

    return measure
