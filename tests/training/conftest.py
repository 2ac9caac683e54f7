import inspect
import logging
import os.path as osp

import pytest
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from tests.kit.configs import load_config, shrink, shrink_images

OPTIONS = set(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'}


@pytest.fixture
def cfg(data_root, tmp_path):
    """A shipped config made small: five videos, two a batch, one epoch."""
    return shrink_images(shrink(load_config('bike_vitb32_k400'), data_root, tmp_path))


@pytest.fixture
def build(cfg):
    """Builds the runner; each under a name of its own, as programs do.

    Without the config as text, which takes most of the time.
    """
    count = iter(range(99))

    def make(**kwargs):
        name = f'{osp.basename(cfg.work_dir)}_{next(count)}'
        options = {k: v for k, v in cfg.items() if k in OPTIONS}
        return Runner(**dict(options, experiment_name=name, **kwargs))

    return make


@pytest.fixture
def without_validation(cfg):
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None


@pytest.fixture
def warnings(caplog, monkeypatch):
    """What the runner's logger warns of."""
    original = MMLogger.callHandlers

    def call(self, record):
        original(self, record)
        caplog.handler.emit(record)

    monkeypatch.setattr(MMLogger, 'callHandlers', call)
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING
    ]
