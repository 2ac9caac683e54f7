"""Training on kept frame embeddings, against decoding and encoding each time."""

import os
import os.path as osp
import shutil

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config

from bike_mmaction.apis import embed_dataset
from bike_mmaction.apis.embedding_cache import read_encoder
from bike_mmaction.apis.embedding_jobs import Job
from bike_mmaction.datasets.embedding_store import EmbeddingStore, pipeline_behind
from bike_mmaction.datasets.embedding_table import Video
from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.datasets.views import views_of
from bike_mmaction.errors import UntrainedError
from bike_mmaction.recipes import (
    repeat_augmentation,
    use_cached_embeddings,
    use_rawframes,
)
from tests.kit.lists import write_text
from tests.kit.models import TINY_ARCH, write_clip

EPOCHS = 3


@pytest.fixture
def frozen(cfg, tmp_path):
    """A frozen image tower, and a neck that learns; all in float32."""
    clip = write_clip(tmp_path / 'clip.pt', TINY_ARCH)
    cfg.model.backbone.update(pretrained=clip, frozen=True)
    cfg.model.cls_head.text_encoder.update(pretrained=clip)
    cfg.optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3))
    cfg.param_scheduler = None
    cfg.train_cfg.max_epochs = EPOCHS
    cfg.train_cfg.val_interval = EPOCHS
    cfg.randomness = dict(seed=5)
    cfg.default_hooks.checkpoint.update(save_best=None)
    return cfg


@pytest.fixture
def with_bad_video(frozen, data_root, tmp_path):
    """One of the five training videos is cut in half."""
    folder = tmp_path / 'videos'
    shutil.copytree(f'{data_root}/videos_train', folder)
    os.truncate(folder / 'v2.mp4', osp.getsize(folder / 'v2.mp4') // 2)
    own_dataset(frozen, 'train').data_prefix.video = str(folder)
    return frozen


def train(build):
    """The weights, and what the validation measured."""
    runner = build()
    runner.train()
    scalars = runner.message_hub.log_scalars
    measured = {k: v.current() for k, v in scalars.items() if k.startswith('val/acc')}
    return {k: v.clone() for k, v in runner.model.state_dict().items()}, measured


def largest_difference(one, other):
    assert one.keys() == other.keys()
    return max((one[k] - other[k]).abs().max().item() for k in one)


def test_the_same_weights(frozen, build, tmp_path):
    """With random frames, crops and flips: a sample for each epoch."""
    decoded, accuracy = train(build)
    stores = {n: str(tmp_path / f'embeddings{n}') for n in (EPOCHS, 1)}
    for samples, store in stores.items():
        counts = embed_dataset(frozen, store, samples, workers=2)
        expected = dict(videos=5, samples=5 * samples, unreadable={})
        assert counts == dict(train=expected, val=counts['val'], test=counts['val'])
    frozen.pop('test_pipeline')  # what recognizes other videos
    one = Config(frozen.to_dict())
    use_cached_embeddings(one, stores[1])
    use_cached_embeddings(frozen, stores[EPOCHS])
    frozen.dump(tmp_path / 'dumped.py')
    assert 'VideoInit' not in str(
        Config.fromfile(tmp_path / 'dumped.py').train_dataloader
    )
    cached, of_cached = train(build)
    assert of_cached == accuracy and accuracy
    start = build().model.state_dict()
    moved = {k.split('.')[0] for k, v in start.items() if not torch.equal(v, cached[k])}
    assert 'neck' in moved and largest_difference(decoded, cached) < 1e-5
    frozen.train_dataloader = one.train_dataloader
    assert largest_difference(decoded, train(build)[0]) > 1e-4


def test_a_bad_video_is_replaced_as_in_training(with_bad_video, build, tmp_path):
    frozen, used = with_bad_video, []
    for _ in range(2):
        runner = build()
        runner.model.register_forward_pre_hook(
            lambda _, args, kwargs: used[-1].append(
                [sample.filename for sample in kwargs['data_samples']]
            ),
            with_kwargs=True,
        )
        used.append([])
        runner.train()
        if len(used) == 1:
            store = str(tmp_path / 'embeddings')
            counts = embed_dataset(frozen, store, EPOCHS)
            (error,) = counts['train']['unreadable'].values()
            assert 'v2.mp4' in error and counts['train']['samples'] == 4 * EPOCHS
            use_cached_embeddings(frozen, store)
    assert used[0] == used[1]


def test_a_stopped_job_goes_on(frozen, tmp_path, monkeypatch):
    store, keep, calls = str(tmp_path / 'embeddings'), Job._keep, []

    def stop_at_third(self, tasks, *args):
        calls.append(len(tasks))
        if len(calls) == 3:
            raise KeyboardInterrupt
        keep(self, tasks, *args)

    monkeypatch.setattr(Job, '_keep', stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        embed_dataset(frozen, store, 2, ['train'])
    assert not EmbeddingStore.open(f'{store}/train').about['complete']
    with open(f'{store}/train/videos.csv', 'a') as table:
        table.write('v3.mp4,,,1,9')  # torn
    embed_dataset(frozen, store, 2, ['train'])
    assert calls == [2, 2, 2, 2, 2, 2]  # of ten samples four were done
    embed_dataset(frozen, str(tmp_path / 'whole'), 2, ['train'])
    one, other = (
        EmbeddingStore.open(f'{s}/train') for s in (store, tmp_path / 'whole')
    )
    for number in range(5):
        for sample in range(2):
            video = Video(f'v{number}.mp4')
            np.testing.assert_allclose(
                one.rows_of(video, sample), other.rows_of(video, sample), atol=1e-6
            )
    assert np.load(f'{store}/train/embeddings.npy').shape == (10 * 8, 64)


@pytest.mark.parametrize('kind', ['frames', 'segments', 'repeated'])
def test_other_data_sets(frozen, kind, data_root, tmp_path):
    """What a test decodes and embeds is what it takes from the store."""
    store, dataset = str(tmp_path / 'embeddings'), own_dataset(frozen, 'val')
    if kind == 'frames':
        use_rawframes(frozen)
    elif kind == 'segments':
        lines = 'v1.mp4 0.2 0.6 7', 'v1.mp4 0.5 0.9 8'
        dataset.update(ann_file=write_text(f'{tmp_path}/list.txt', *lines))
        dataset.type = 'VideoSegmentDataset'
        dataset.pipeline.insert(1, dict(type='KeepSegment'))
    else:
        loader = frozen.val_dataloader
        loader.dataset = dict(type='RepeatDataset', times=3, dataset=dataset)
    views = views_of(own_dataset(frozen, 'val').pipeline)
    counts = embed_dataset(frozen, store, splits=['val'])
    decoded = DATASETS.build(frozen.val_dataloader.dataset)
    use_cached_embeddings(frozen, store, ['val'])
    pipeline = own_dataset(frozen, 'val').pipeline
    assert views_of(pipeline_behind(pipeline)) == views is not None
    cached = DATASETS.build(frozen.val_dataloader.dataset)
    assert len(decoded) == counts['val']['videos'] * (3 if kind == 'repeated' else 1)
    encoder = read_encoder(frozen, 'cpu')
    for number in range(len(decoded)):
        one, other = decoded[number], cached[number]
        expected = encoder([one['inputs']])[0]
        np.testing.assert_allclose(other['inputs'].numpy(), expected, atol=1e-5)
        assert torch.equal(one['data_samples'].gt_label, other['data_samples'].gt_label)


def test_refused(frozen, build, tmp_path):
    """What would train on something else than it seems, by name."""
    store = str(tmp_path / 'embeddings')
    with pytest.raises(ValueError, match='model.backbone.frozen=True'):
        trained = Config(frozen.to_dict())
        trained.model.backbone.frozen = False
        use_cached_embeddings(trained, store)
    with pytest.raises(ValueError, match='train_dataloader repeats'):
        repeated = Config(frozen.to_dict())
        repeat_augmentation(repeated, 2)
        embed_dataset(repeated, store)
    with pytest.raises(UntrainedError, match='model.backbone.pretrained'):
        unknown = Config(frozen.to_dict())
        unknown.model.backbone.pretrained = None
        embed_dataset(unknown, store)
    embed_dataset(frozen, store, 1)
    with pytest.raises(ValueError, match="another 'samples': 1, now it is 2"):
        embed_dataset(frozen, store, 2)
    use_cached_embeddings(frozen, store)
    other = write_clip(tmp_path / 'other.pt', TINY_ARCH, seed=1)
    frozen.model.backbone.pretrained = other
    with pytest.raises(ValueError, match='other weights: .* make the embeddings anew'):
        build().train()
    dataset = own_dataset(frozen, 'train')
    dataset.ann_file = write_text(tmp_path / 'list.txt', 'new.mp4 0')
    with pytest.raises(RuntimeError, match="no embeddings of 'new.mp4'"):
        DATASETS.build(dataset)[0]
