"""What the dependencies warn of themselves is silent, all else is not."""

import logging
import warnings

import pytest
import torch
from mmengine.fileio import FileClient
from mmengine.hooks import CheckpointHook
from mmengine.logging import MMLogger
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.utils import ManagerMixin

from bike_mmaction.compat import mmcv, mmengine_messages
from tests.kit.line import line_runner


@pytest.fixture
def log(tmp_path):
    """The messages that MMEngine's current logger is given from now on."""
    records = []
    handler = logging.Handler(logging.INFO)
    handler.emit = records.append
    logger = MMLogger.get_instance(tmp_path.name)
    logger.addHandler(handler)
    return lambda: [(record.levelname, record.getMessage()) for record in records]


def test_file_client_of_hooks_and_of_others(log, tmp_path):
    FileClient._instances.clear()
    runner = type('Runner', (), dict(work_dir=str(tmp_path), logger=MMLogger('a')))
    CheckpointHook(save_last=False).before_train(runner)
    assert log() == []
    FileClient._instances.clear()
    FileClient('disk')
    assert 'FileClient' in log()[0][1] and 'HardDiskBackend' in log()[1][1]


def test_parameters_are_summed_up(log):
    model = torch.nn.Sequential(*(torch.nn.Linear(1, 1) for _ in range(3)))
    model[:2].requires_grad_(False)
    build = DefaultOptimWrapperConstructor(
        dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1)),
        paramwise_cfg=dict(custom_keys={'2.weight': dict(lr_mult=0.1)}),
    )
    for _ in range(2):
        build(model)
    told = [
        '4 frozen parameters are left out of the optimizer, from 0.weight to 1.bias',
        'parameters with options by paramwise_cfg: lr=0.01 of 1, lr_mult=0.1 of 1',
    ]
    assert log() == 2 * [('INFO', text) for text in told]


def caught(action):
    """What warns during an action, with the filters of these remedies."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter('always')
        mmcv.silence_absent_operations()
        mmengine_messages.silence_runners_of_same_second()
        mmengine_messages.silence_own_pkg_resources()
        action()
    return [str(w.message) for w in warned if w.category is UserWarning]


class Own(ManagerMixin):
    pass


def test_runners_of_one_second(tmp_path):
    for _ in range(2):
        assert not caught(
            lambda: line_runner(tmp_path, experiment_name='a_20260101_000000')
        )
    Own.get_instance('b_20260101_000000')
    (text,) = caught(lambda: Own.get_instance('b_20260101_000000', x=1))
    assert 'Own' in text


@pytest.mark.parametrize(
    'module, message',
    [
        (
            'mmcv.cnn.bricks.transformer',
            'Fail to import ``MultiScaleDeformableAttention`` from ``mmcv.ops...``',
        ),
        ('mmengine.utils.package_utils', 'pkg_resources is deprecated as an API. See'),
        ('importlib', 'pkg_resources is deprecated as an API. See'),
    ],
)
def test_only_where_they_arise(module, message):
    def warn(text, where):
        warnings.warn_explicit(text, UserWarning, f'{where}.py', 1, module=where)

    assert not caught(lambda: warn(message, module))
    assert caught(lambda: warn(message, 'own.module')) == [message]
    assert caught(lambda: warn('other', module)) == ['other']
