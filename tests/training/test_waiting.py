"""A step of training never waits for the GPU: it is given work ahead of time.

The GPU is played, see tests/kit/played_gpu.py.
"""

import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.utils import digit_version

from bike_mmaction.compat import installed_version
from bike_mmaction.errors import NonFiniteError
from bike_mmaction.models.class_loss import top_k_accuracies
from bike_mmaction.models.data_preprocessor import OptionalVideoDataPreprocessor
from tests.kit.configs import load_config, shrink
from tests.kit.played_gpu import GPU, HOST, WAIT, PlayedGPU

# What might wait, beside what each training does.
OPTIONS = {
    'model.backbone.patch_dropout': 0.5,
    'model.cls_head.text_encoder.frozen': False,
    'model.cls_head.words': 'name',
    'model.cls_head.label_smooth_eps': 0.1,
    'model.cls_head.loss_cls': dict(type='SigmoidLoss'),
    'optim_wrapper.clip_grad': dict(max_norm=1.0),
}


needs_open_clip = pytest.mark.skipif(
    digit_version(installed_version('open_clip_torch')) < digit_version('3.3'),
    reason='its text tower picks its last tokens by places that lie on the host',
)


class Watch(Hook):
    """Notes what waits in the second of three steps, with all hooks.

    The first one sets up what stays, the last one ends with logs.
    """

    priority = 'VERY_LOW'

    def __init__(self, gpu):
        self.gpu, self.waits = gpu, None

    def after_train_iter(self, runner, batch_idx, *args, **kwargs):
        if batch_idx == 1:
            self.waits = list(self.gpu.waits)
        self.gpu.noting = batch_idx == 0


@pytest.fixture
def cfg(request, cfg, data_root, tmp_path):
    """Three steps, whose losses are logged at the end."""
    if getattr(request, 'param', None):
        cfg = shrink(load_config(request.param), data_root, tmp_path)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_dataloader.drop_last = False
    cfg.default_hooks.checkpoint = None
    cfg.default_hooks.logger.interval = 20
    return cfg


@pytest.fixture
def on_gpu(monkeypatch):
    monkeypatch.setattr('mmengine.runner.runner.get_device', lambda: GPU)


def waits_of(build):
    with PlayedGPU() as gpu:
        watch = Watch(gpu)
        build(custom_hooks=[watch]).train()
    return '\n'.join(watch.waits)


@needs_open_clip
def test_video(cfg, build, on_gpu):
    cfg.merge_from_dict(OPTIONS)
    assert not waits_of(build)


@needs_open_clip
@pytest.mark.parametrize('cfg', ['bike_vitb32_attributes_k400'], indirect=True)
def test_attributes(cfg, build, on_gpu):
    """With an encoder that trains."""
    encoder = dict(cfg.model.cls_head.text_encoder, frozen=False)
    cfg.model.attributes_head.attributes_encoder = encoder
    assert not waits_of(build)


@needs_open_clip
def test_a_test_waits_when_all_is_launched(cfg):
    """Twice a batch, for labels and for finiteness, whatever the batch's size."""
    waits = {}
    for videos in (1, 3):
        with PlayedGPU() as gpu, torch.no_grad():
            model = MODELS.build(cfg.model).to(GPU).eval()
            data = dict(
                inputs=[torch.zeros(1, 3, 2, 32, 32, dtype=torch.uint8)] * videos,
                data_samples=[
                    ActionDataSample().set_gt_label(i) for i in range(videos)
                ],
            )
            model.test_step(data)  # embeds the classes
            gpu.noting = True
            samples = model.test_step(data)
            gpu.noting = False
        assert samples[0].pred_score.device == samples[0].gt_label.device == GPU
        waits[videos] = gpu.waits
        copies, work = ['_to_copy'] * videos, gpu.work
        start = [*copies, 'stack', 'sub', 'div', *copies]  # images, then samples
        assert work[: len(start)] == start
        assert WAIT not in work[: work.index('argmax')]  # which is of the best class
    assert [len(of_batch) for of_batch in waits.values()] == [2, 2]
    assert 'label_check.py' in waits[3][0] and 'recognizer.py' in waits[3][1]


def test_logs_are_those_of_a_cpu(cfg, build, monkeypatch):
    """Values, counts, and what is saved of them."""
    cfg.optim_wrapper = dict(
        type='OptimWrapper',
        optimizer=dict(type='SGD', lr=0.1),
        clip_grad=dict(max_norm=1.0),
    )

    def histories(key=None):
        runner = build()
        runner.train()
        hub = runner.message_hub
        names = [name for name in hub.log_scalars if 'time' not in name]
        saved = hub.state_dict()['log_scalars']
        assert all(type(saved[name]) is HistoryBuffer for name in names)
        for one in (hub.log_scalars, saved, copy.deepcopy(saved)):
            yield {name: [x.tolist() for x in one[name].data] for name in names}

    on_cpu = list(histories())
    monkeypatch.setattr('mmengine.runner.runner.get_device', lambda: GPU)
    with PlayedGPU():
        assert list(histories()) == on_cpu
    assert set(on_cpu[0]) >= {'train/loss', 'train/grad_norm', 'train/top5_acc'}
    assert len(on_cpu[0]['train/loss'][0]) == 3


@pytest.fixture
def diverging(cfg):
    """The second loss means nothing."""
    cfg.optim_wrapper = dict(
        type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e36), clip_grad=None
    )
    cfg.param_scheduler = []
    cfg.train_dataloader.batch_size = 1
    return cfg


def test_a_loss_that_is_not_finite(diverging, build, on_gpu, monkeypatch):
    """It is told late, but by the iteration that had it; soon, if nobody logs."""
    monkeypatch.setattr('bike_mmaction.training.finite.MOST_LATE', 3)
    diverging.default_hooks.logger.interval = 10**9
    with PlayedGPU(), pytest.raises(NonFiniteError) as error:
        runner = build()
        runner.train()
    assert 'epoch 1, iteration 2: process 0 has loss=nan' in str(error.value)
    assert runner.iter + 1 == 3


def test_all_ranks_look_at_losses_before_one_saves(
    diverging, build, on_gpu, monkeypatch, tmp_path
):
    """Else the others would wait for it."""
    asked = []
    monkeypatch.setattr(
        'bike_mmaction.training.finite.on_any_rank',
        lambda is_bad: asked.append(is_bad) or is_bad,
    )
    diverging.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=2
    )
    with PlayedGPU(), pytest.raises(NonFiniteError, match='iteration 2: process 0'):
        build().train()
    assert asked == [True] and not list(tmp_path.glob('*.pth'))


def test_other_heads_find_labels_where_scores_are(cfg):
    """As those of users may need it; ours look at labels on the host."""
    places = []
    cfg.model.backbone.as_feature_map = True
    for head in (None, dict(type='I3DHead', num_classes=29, in_channels=64)):
        cfg.model.cls_head = head or cfg.model.cls_head
        with PlayedGPU():
            prepare = MODELS.build(cfg.model).to(GPU).data_preprocessor
            sample = ActionDataSample().set_gt_label(1)
            clip = torch.zeros(1, 3, 2, 32, 32, dtype=torch.uint8)
            data = prepare(dict(inputs=[clip], data_samples=[sample]), training=True)
        places.append(data['data_samples'][0].gt_label.device)
    assert places == [HOST, GPU]


def test_batches_come_back_when_they_are_whole():
    """Of a GPU, to a model on the host, which reads them at once."""
    preprocessor = OptionalVideoDataPreprocessor()
    with PlayedGPU() as gpu:
        sample = ActionDataSample().set_gt_label(torch.zeros(1, device=GPU))
        data = dict(inputs=[torch.zeros(1, 3, 2, 2, device=GPU)], data_samples=[sample])
        gpu.noting = True
        data = preprocessor(data)
        assert data['inputs'].device == data['data_samples'][0].gt_label.device == HOST
        assert len(gpu.waits) == 2


def test_accuracy():
    """Of equal scores the later one is better; no number is never right."""
    scores = torch.tensor(
        [[0.1, 0.9, 0.3], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, float('nan'), 0.1]]
    )
    shares = top_k_accuracies(scores, torch.tensor([1, 1, 2, 0]), (1, 2, 5))
    assert {name: share.item() for name, share in shares.items()} == {
        'top1_acc': 2 / 4,
        'top2_acc': 4 / 4,
        'top5_acc': 4 / 4,
    }
