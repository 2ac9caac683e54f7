"""A schedule that does not fit the length of training is refused."""

import copy
import os.path as osp

import pytest
import torch
from mmengine.config import Config
from mmengine.optim.scheduler.param_scheduler import INF
from mmengine.registry import PARAM_SCHEDULERS

from bike_mmaction.recipes import set_epochs
from bike_mmaction.training.schedule import Run, check_schedule
from tests.kit import ROOT
from tests.kit.checks import collected

EPOCH = 10  # iterations


def build(configs, epochs, iterations=None):
    """As the runner does, which ends a schedule with training by default."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    built = []
    for config in configs:
        by_epoch = config.get('by_epoch', True)
        end = (epochs or 1) if by_epoch else iterations or epochs * EPOCH
        built.append(
            PARAM_SCHEDULERS.build(
                dict(dict(end=end), **config),
                default_args=dict(optimizer=optimizer, epoch_length=EPOCH),
            )
        )
    return built


def check(configs, epochs, iterations=None):
    check_schedule(
        build(configs, epochs, iterations), Run(epochs, iterations or epochs * EPOCH)
    )


def linear(end, **kwargs):
    return dict(type='LinearLR', start_factor=0.1, begin=0, end=end, **kwargs)


def cosine(T_max, **kwargs):
    return dict(type='CosineAnnealingLR', T_max=T_max, **kwargs)


def steps(*milestones, **kwargs):
    return dict(type='MultiStepLR', milestones=list(milestones), **kwargs)


ITER = dict(convert_to_iter_based=True)
OURS = [linear(5, **ITER), cosine(25, begin=5, end=30, **ITER)]


REFUSED = [
    (OURS, 6, 'max_epochs=6, .*scheduler.1 .* falls until epoch 30'),
    (OURS, 25, 'max_epochs=25, .*scheduler.1 .* falls until epoch 30'),
    (OURS, 60, 'max_epochs=60, .*scheduler.1 .* falls until epoch 30'),
    (OURS, 3, 'max_epochs=3, .*scheduler.0 .LinearLR. ends at epoch 5'),
    (OURS, 5, r'scheduler.1 .CosineAnnealingLR. begins at epoch 5'),
    ([cosine(3, **ITER)], 6, 'falls until epoch 3'),
    ([cosine(3)], 2, 'falls until epoch 3'),
    ([linear(2.5, **ITER), cosine(30)], 20, 'falls until epoch 30'),
    ([cosine(25, begin=5, end=10)], 30, 'falls until epoch 10'),
    ([dict(type='OneCycleLR', eta_max=1.0, total_steps=4)], 3, 'until epoch 4'),
    ([dict(type='OneCycleLR', eta_max=1.0, total_steps=2)], 3, 'until epoch 2'),
    ([dict(type='PolyLR', end=4)], 3, 'falls until epoch 4'),
    ([dict(type='PolyLR', end=4)], 6, 'falls until epoch 4'),
    (
        [dict(type='LinearLR', start_factor=1.0, end_factor=0.0, end=4)],
        6,
        'until epoch 4',
    ),
    ([dict(type='ConstantLR', factor=0.1, end=5)], 3, 'ends at epoch 5'),
    ([steps(8, begin=6, end=20)], 5, 'begins at epoch 6'),
    ([dict(type='CosineAnnealingMomentum', T_max=3)], 6, 'until epoch 3'),
]


def test_disagreement_is_refused():
    with collected() as case:
        for configs, epochs, words in REFUSED:
            refused = pytest.raises(ValueError, match=f'{words}.*--epochs')
            with case((configs, epochs, words)), refused:
                check(configs, epochs)


REFUSED_ITERATIONS = [
    ([linear(500, by_epoch=False)], 400, 'max_iters=400, .* iteration 500'),
    ([cosine(300, by_epoch=False)], 400, 'until iteration 300'),
    ([cosine(30)], 400, 'max_iters=400, .*until epoch 30'),
]


def test_of_iterations():
    with collected() as case:
        for configs, iterations, words in REFUSED_ITERATIONS:
            refused = pytest.raises(ValueError, match=words)
            with case((configs, iterations, words)), refused:
                check(configs, None, iterations)


LEGAL = [
    (OURS, 30),
    ([], 7),
    ([cosine(3, **ITER)], 3),
    ([steps(9, 11)], 12),
    ([steps(9, 11)], 5),
    ([linear(10), steps(90, 130, begin=10, end=150)], 256),
    ([linear(34, **ITER), cosine(256)], 256),
    ([linear(30, **ITER), cosine(200, begin=30, end=200, **ITER)], 200),
    ([linear(0.5, **ITER), cosine(4.5, begin=0.5, end=5, **ITER)], 5),
    ([linear(2.55, **ITER), cosine(4.45, begin=2.55, end=7, **ITER)], 7),
    ([linear(5), cosine(None, begin=5, end=24, **ITER)], 24),
    ([linear(50, by_epoch=False), cosine(30, **ITER)], 30),
    (
        [
            linear(5),
            cosine(285, begin=5, end=285),
            dict(type='ConstantLR', factor=1, begin=285),
        ],
        300,
    ),
    ([cosine(20, end=20, eta_min=1e-6)], 30),
    ([dict(type='ConstantLR', factor=0.5)], 30),
    ([dict(type='ConstantLR', factor=1, end=INF)], 30),
    ([dict(type='ExponentialLR', gamma=0.9, end=INF)], 3),
    ([dict(type='StepLR', step_size=10)], 3),
    (
        [
            dict(
                type='CosineRestartLR',
                periods=[2, 5],
                restart_weights=[1, 1],
                eta_min=0,
            )
        ],
        6,
    ),
    ([dict(type='ReduceOnPlateauLR', monitor='loss', end=50)], 6),
    ([dict(type='PolyLR', end=4, eta_min=0.1)], 6),
    ([dict(type='OneCycleLR', eta_max=1.0, total_steps=3, **ITER)], 3),
]


def test_other_shapes_are_legal():
    with collected() as case:
        for configs, epochs in LEGAL:
            with case((configs, epochs)):
                check(configs, epochs)


def load(path):
    cfg = Config.fromfile(osp.join(ROOT, 'configs', path))
    return cfg, cfg.train_cfg.max_epochs


def rates(cfg):
    """Rate before each iteration, as a share of the highest."""
    built = build(cfg.param_scheduler, cfg.train_cfg.max_epochs)
    moved = []
    for _ in range(cfg.train_cfg.max_epochs * EPOCH):
        moved.append(built[0].optimizer.param_groups[0]['lr'])
        built[0].optimizer.step()
        for scheduler in built:
            scheduler.step()
    return moved


@pytest.mark.parametrize(
    'path',
    [
        'bike_vitb32_k400.py',
        'few_shot/bike_vitl14_hmdb51_1shot.py',
        'demo/bike_demo.py',
        'demo/bike_demo_attributes.py',
        'backbones/vcs_swin3d_tiny_k400.py',
    ],
)
@pytest.mark.parametrize('epochs', [7, 45])
def test_schedule_moves_with_the_epochs(path, epochs):
    cfg, before = load(path)
    original = rates(cfg)
    check(cfg.param_scheduler, before)
    set_epochs(cfg, epochs)
    assert cfg.train_cfg.max_epochs == epochs
    check(cfg.param_scheduler, epochs)
    moved = rates(cfg)
    peak = moved.index(max(moved))
    assert peak == original.index(max(original))  # the warm-up
    assert moved[: peak + 1] == original[: peak + 1]
    middle = (peak + epochs * EPOCH) // 2
    assert moved[middle] == pytest.approx(0.5, abs=0.1)
    assert moved[-1] < 0.01


def config(schedulers, **train_cfg):
    return Config(dict(train_cfg=train_cfg, param_scheduler=copy.deepcopy(schedulers)))


def test_what_epochs_cannot_move():
    for schedulers, epochs, words in (
        (OURS, 5, 'param_scheduler.1 .*begins at epoch 5'),
        (OURS, 3, 'param_scheduler.0 .*ends at epoch 5'),
        (OURS, 0, 'must be positive'),
        ([steps(9, 11)], 10, r'has the milestones \[9, 11\]'),
        (dict(a=OURS), 4, 'param_scheduler.a.0'),
    ):
        with pytest.raises(ValueError, match=words):
            set_epochs(config(schedulers, max_epochs=30), epochs)
    with pytest.raises(ValueError, match='no train_cfg.max_epochs'):
        set_epochs(config(OURS, max_iters=30), 10)


def test_what_does_not_end_with_training_stays():
    schedulers = [
        linear(2),
        linear(500, by_epoch=False),
        steps(4, 6, end=30),
        cosine(None, begin=2, end=30),
    ]
    cfg = config(schedulers, max_epochs=30)
    set_epochs(cfg, 10)
    assert cfg.param_scheduler == [
        *schedulers[:2],
        steps(4, 6, end=10),
        cosine(None, begin=2, end=10),
    ]
    cfg = config(cosine(30), max_epochs=30)  # alone, without a list
    set_epochs(cfg, 10)
    assert cfg.param_scheduler == cosine(10)


def test_a_shorter_warm_up_can_be_given_beside():
    cfg = config(OURS, max_epochs=30)
    cfg.merge_from_dict({'param_scheduler.0.end': 1, 'param_scheduler.1.begin': 1})
    set_epochs(cfg, 4)
    check(cfg.param_scheduler, 4)
    assert cfg.param_scheduler[1].T_max == 3
