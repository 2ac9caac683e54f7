"""Every config says what the authors ran, value by value.

reference/recipes.json has, for each of their published runs, the settings
read from its log or configuration file, and the configs that stand for it.
"""

import functools
import json
import os.path as osp

import numpy as np
import pytest
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from PIL import Image

from bike_mmaction.datasets.pipeline_access import SPLITS, own_dataset
from bike_mmaction.models.clip.architectures import get_arch
from tests.kit import ROOT
from tests.kit.checks import collected
from tests.kit.configs import load_config, shrink_model

with open(osp.join(ROOT, 'tests', 'reference', 'recipes.json')) as recipes:
    RUNS = json.load(recipes)
PAIRS = [(run, name) for run in RUNS for name in RUNS[run]['configs']]
GPUS = 8
# One of their runs trained both branches, which are two stages here. What
# belongs to one of the stages has no place in the other.
ABSENT = {
    # trains the video branch
    ('k400/k400_train_video_attr_vitb-32-f8', 'bike_vitb32_k400'): (
        'attributes',
        'fusion weight',
    ),
    # trains on attributes alone and decodes no video
    ('k400/k400_train_video_attr_vitb-32-f8', 'bike_vitb32_attributes_k400'): (
        'gray p',
        'gray weights',
        'crop area',
        'flip p',
    ),
}
# Their lists of a zero-shot test, and those of bike prepare.
LISTS = {
    'ucf101_full_list_videos.txt': 'ucf_full_for_zeroshot.txt',
    'hmdb51_full_list_videos.txt': 'hmdb_full_for_zeroshot.txt',
    'activitynet_full_list_videos.txt': 'anet_full_for_zeroshot.txt',
    **{
        f'kinetics600_zeroshot_test_split{i}_list_videos.txt': (
            f'test_split{i}_exist.txt'
        )
        for i in (1, 2, 3)
    },
}


@functools.cache
def load(name):
    return load_config(osp.basename(name))  # whatever its folder


def same(*values):
    """The value that all places have; or the list of them, which equals none."""
    different = [v for i, v in enumerate(values) if v not in values[:i]]
    return different[0] if len(different) == 1 else different


# --- pipelines


def pipelines(cfg, *splits):
    """Of the splits that decode videos, flat."""
    flat = []
    for split in splits:
        if cfg.get(f'{split}_dataloader') is None:
            continue
        pipeline = []
        for transform in own_dataset(cfg, split).pipeline:
            pipeline += transform.get('transforms') or [transform]
        if pipeline[-1].get('collect_keys') != ():
            flat.append(pipeline)
    return flat


def transforms(cfg, word, *splits):
    """Those with this word in their names, at least one a pipeline."""
    named = [
        [t for t in pipeline if word in t.type]
        for pipeline in pipelines(cfg, *(splits or SPLITS))
    ]
    assert all(named), f'a pipeline has no {word}'
    return sum(named, [])


def resizes(cfg, square):
    return [
        t
        for t in transforms(cfg, 'Resize')
        if 'scale' in t and t.get('keep_ratio', True) != square
    ]


def input_size(cfg):
    sides = [side for t in resizes(cfg, square=True) for side in t.scale]
    sides += [t.crop_size for t in transforms(cfg, 'Crop', 'val', 'test')]
    arch = get_arch(cfg.model.backbone.arch)
    return same(arch['vision_cfg']['image_size'], *sides)


def way_of_resizing(transform):
    """Told by what it makes of an image."""
    image = np.random.RandomState(0).randint(0, 256, (60, 80, 3), np.uint8)
    resize = TRANSFORMS.build(dict(transform, scale=(-1, 24)))
    (resized,) = resize(dict(imgs=[image], img_shape=image.shape[:2]))['imgs']
    expected = Image.fromarray(image).resize((32, 24), Image.BICUBIC)
    difference = np.abs(np.int16(resized) - np.int16(expected)).max()
    return 'bicubic, pillow' if difference <= 1 else transform.type


def gray_weights(transform):
    """Told by what it makes of red, green and blue."""
    gray = TRANSFORMS.build(dict(transform, prob=1.0))
    colors = np.uint8(np.eye(3)[:, None, None] * np.full((4, 4, 1), 255))
    grays = [gray(dict(img=color))['img'].mean() / 255 for color in colors]
    return pytest.approx(grays, abs=1.5 / 255)


# --- model and optimizer


@functools.cache
def tiny(name):
    """The model of a config, made small, with its optimizer."""
    cfg = Config(load(name).to_dict())
    shrink_model(cfg.model)
    cfg.optim_wrapper.type = 'OptimWrapper'
    model = MODELS.build(cfg.model)
    return model, build_optim_wrapper(model, cfg.optim_wrapper).optimizer


def is_clip(parameter):
    return (
        parameter.startswith('backbone.')
        or 'logit_scale' in parameter
        or '_encoder.' in parameter
    )


def of_groups(name, key, clip=None):
    """What the groups of CLIP's trained tensors, or of others, have."""
    model, optimizer = tiny(name)
    names = {id(p): n for n, p in model.named_parameters()}
    grouped = {
        names[id(p)]: group[key]
        for group in optimizer.param_groups
        for p in group['params']
        if p.requires_grad
    }
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained and set(grouped) == trained
    return [v for n, v in grouped.items() if clip in (None, is_clip(n))]


def text_is_frozen(name):
    encoder = tiny(name)[0].cls_head.text_encoder
    return encoder.frozen and not any(p.requires_grad for p in encoder.parameters())


def starts_from_another_run(run, cfg):
    """A second stage goes on with the first one, which is the same run."""
    start = osp.basename(osp.dirname(cfg.get('load_from') or ''))
    return bool(start) and start not in RUNS[run]['configs']


# --- the values, by the names of recipes.json


def values_of_images(cfg):
    resized = resizes(cfg, square=False)
    clips = transforms(cfg, 'SampleFrames')
    return {
        'frames': same(*[t.clip_len for t in clips]),
        'input': input_size(cfg),
        'resize to': same(*[t.scale[1] for t in resized]),
        'resize': same(*map(way_of_resizing, resized)),
    }


def values_of_augmentation(cfg):
    gray, crop, flip = (
        transforms(cfg, word, 'train')[0]
        for word in ('Grayscale', 'ResizedCrop', 'Flip')
    )
    return {
        'gray p': TRANSFORMS.build(gray).prob,
        'gray weights': gray_weights(gray),
        'crop area': list(TRANSFORMS.build(crop).area_range),
        'flip p': TRANSFORMS.build(flip).flip_ratio,
    }


def values_of_model(cfg):
    model = cfg.model
    return {
        'arch': same(model.backbone.arch, model.cls_head.text_encoder.arch),
        'temporal transformer': bool(model.neck),
        'aggregation': model.cls_head.aggregation,
        'seed': cfg.randomness.seed,
        'test list': LISTS.get(osp.basename(own_dataset(cfg, 'test').ann_file)),
    }


def values_of_schedule(cfg):
    warm_up, cosine = cfg.param_scheduler
    assert (warm_up.type, warm_up.begin) == ('LinearLR', 0)
    assert (cosine.type, cosine.eta_min) == ('CosineAnnealingLR', 0)
    end = cosine.begin + cosine.T_max
    return {
        'epochs': same(cfg.train_cfg.max_epochs, cosine.end, end),
        'warm-up': same(warm_up.end, cosine.begin),
    }


def values_of_optimizer(name):
    optim_wrapper = load(name).optim_wrapper
    rate = optim_wrapper.optimizer.lr
    return {
        'text frozen': text_is_frozen(name),
        # of torch, of which ours may be a kind
        'optimizer': next(
            kind.__name__
            for kind in type(tiny(name)[1]).__mro__
            if kind.__module__.startswith('torch.')
        ),
        'lr': same(rate, *of_groups(name, 'lr', clip=False)),
        'lr of CLIP': same(*of_groups(name, 'lr', clip=True)),
        'weight decay': same(*of_groups(name, 'weight_decay')),
        'betas': list(same(*of_groups(name, 'betas'))),
        'eps': same(*of_groups(name, 'eps')),
        'clip grad': optim_wrapper.get('clip_grad'),
        'accumulate': optim_wrapper.get('accumulative_counts', 1),
    }


def values_of_training(run, cfg):
    loader = cfg.train_dataloader
    kind = own_dataset(cfg, 'train').type
    return {
        'batch': same(cfg.auto_scale_lr.base_batch_size, GPUS * loader.batch_size),
        'drop_last': loader.get('drop_last', False),
        'fine-tuned': starts_from_another_run(run, cfg),
        'training videos are': 'segments' if kind == 'VideoSegmentDataset' else 'whole',
    }


def values_of_attributes(name):
    first = [own_dataset(load(name), split).pipeline[0] for split in SPLITS]
    return {
        'attributes': same(*[loading.topk for loading in first]),
        'fusion weight': tiny(name)[0].fusion_weight,
    }


def resolve(run, name):
    """What a config has for the values of the reference."""
    cfg = load(name)
    values = {**values_of_images(cfg), **values_of_model(cfg)}
    if cfg.get('train_dataloader'):
        values.update(
            values_of_schedule(cfg),
            **values_of_optimizer(name),
            **values_of_training(run, cfg),
        )
    if pipelines(cfg, 'train'):
        values.update(values_of_augmentation(cfg))
    if 'attributes_head' in cfg.model:
        values.update(values_of_attributes(name))
    return values


def facts(run, name):
    """The values of a run that a config must have."""
    absent = ('from', 'configs', *ABSENT.get((run, name), ()))
    return {k: v for k, v in RUNS[run].items() if k not in absent}


def test_configs_are_as_the_authors_ran_them():
    with collected() as check:
        for run, name in PAIRS:
            expected = facts(run, name)
            with check(f'{run}, {name}'):
                values = resolve(run, name)
                assert {key: values[key] for key in expected} == expected
                assert not set(ABSENT.get((run, name), ())) & set(values)


def test_every_run_has_a_config():
    assert all(RUNS[run]['configs'] for run in RUNS)
    count = sum(len(facts(run, name)) for run, name in PAIRS)
    print(f'{count} values, {len({name for _, name in PAIRS})} configs')
    assert count == 1045
