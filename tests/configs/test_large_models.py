"""Models that one GPU cannot hold: their configs, and the memory they need."""

import os.path as osp
import re

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import STRATEGIES

from bike_mmaction.checkpoint import load_from_local
from bike_mmaction.compat import installed_version, torch_version
from bike_mmaction.models.loss import MOST_VIDEOS
from bike_mmaction.models.sharding import blocks, whole_encoders, whole_weights
from bike_mmaction.recipes import use_deepspeed, use_fsdp, use_whole_models
from bike_mmaction.recipes.large_models import check_strategy
from tests.kit import ROOT
from tests.kit.checks import collected
from tests.kit.configs import load_config
from tests.kit.tools import run_tool

GIB = 2**30
DIGITS = r' \d+\.\d+ $'


def weights_of(name):
    """Millions of weights of a config's model that train, and that do not."""
    cfg = load_config(name)
    assert cfg.strategy.type == 'FSDPStrategy' and cfg.model.backbone.with_cp
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    assert whole_encoders(model) == [model.cls_head.text_encoder]
    assert frozen + 1 == sum(p.numel() for p in whole_weights(model))
    sizes = [sum(p.numel() for p in block.parameters()) for block in blocks(model)]
    assert sum(sizes) > 0.99 * trained
    return trained, frozen, max(sizes)


def memory_of(trained, frozen, way, gpus):
    """Bytes of weights, gradients and Adam."""
    whole = way != 'FSDP'
    shared = 1 if way == 'DDP' else gpus
    weights = 4 * trained / (1 if whole else gpus) + 4 * frozen
    return weights, 4 * trained / shared, 8 * trained / shared


@pytest.mark.skipif(
    torch_version() < (2, 2), reason="timm's layers are built by values before 2.2"
)
def test_memory_is_as_the_page_tells():
    with open(osp.join(ROOT, 'docs/large_models.md'), encoding='utf-8') as file:
        page = file.read()
    lines = [line.strip('|').split('|') for line in page.splitlines()]
    rows = [
        [cell.strip() for cell in row] for row in lines if re.match(DIGITS, row[-1])
    ]
    configs = iter(['bike_vitl14_336_32f_fsdp_k400', 'bike_eva02_e14_plus_k400'])
    with collected() as check:
        for model, *counts, label, weights, gradients, moments, total in rows:
            if model:
                trained, frozen, largest = weights_of(next(configs))
                blocks_together = (
                    f'{12 * largest / GIB:.2f} GiB for {model.split(",")[0]}'
                )
                with check(model):
                    assert counts == [f'{n / 1e6:.1f} M' for n in (trained, frozen)]
                    assert blocks_together in page
            way, _, gpus = label.partition(', ')
            memory = memory_of(trained, frozen, way, int(gpus.partition(' ')[0] or 1))
            with check(f'{model} {label}'):
                shown = [weights, gradients, moments, total]
                assert shown == [f'{n / GIB:.2f}' for n in (*memory, sum(memory))]
    assert len(rows) == 8 and not list(configs)


def test_what_a_step_sends_is_as_the_page_tells():
    with open(osp.join(ROOT, 'docs/many_gpus.md'), encoding='utf-8') as file:
        page = file.read()
    rows = dict(re.findall(r'(?m)^\| (\w+)[^|]*\|[^|]*\|(.*)\|$', page))
    cfg = load_config('bike_vitl14_k400')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    videos, classes, seconds = 24, cfg.model.cls_head.num_classes, 0.215
    for column, gpus in enumerate((8, 64, 1024)):
        everyone = gpus * videos
        scores = 4 * everyone * classes
        compared = scores if everyone > MOST_VIDEOS else 4 * everyone**2
        for name, value in dict(
            gradients=f'{8 * (1 - 1 / gpus) * trained / 1e9:.2f} GB',
            scores=f'{scores / 1e6:.2g} MB',
            memory=f'{compared / 1e6:.2g} MB',
            steps=f'{240436 // everyone:,}',
            videos=f'{everyone / seconds:,.0f}',
        ).items():
            shown = rows[name].split('|')[column].strip()
            assert shown == value, (name, gpus)
    assert f'{trained / 1e6:.1f} M weights train' in page


def test_recipes():
    cfg = load_config('bike_vitb32_k400')
    before = cfg.pretty_text
    use_fsdp(cfg)
    use_whole_models(cfg)
    assert cfg.pretty_text == before
    cfg.optim_wrapper.update(clip_grad=dict(max_norm=2.0), accumulative_counts=4)
    use_deepspeed(cfg, stage=1)
    assert cfg.strategy.zero_optimization.stage == 1
    assert cfg.strategy.config.torch_autocast.dtype == 'bfloat16'
    assert cfg.strategy.gradient_clipping == 2.0
    assert cfg.strategy.gradient_accumulation_steps == 4
    assert set(cfg.optim_wrapper) == {'type', 'optimizer', 'paramwise_cfg'}


def test_refusals():
    cfg = load_config('bike_vitb32_k400')
    wrong = [
        (use_fsdp, dict(sharding_strategy='ALL'), 'none of FULL_SHARD, SHARD_GRAD_OP'),
        (use_fsdp, dict(mixed_precision='float16'), "must be 'bfloat16'"),
        (use_deepspeed, dict(stage=4), 'must be 1, 2 or 3'),
    ]
    for recipe, options, words in wrong:
        with pytest.raises(ValueError, match=words):
            recipe(Config(cfg.to_dict()), **options)
    strategy = dict(type='FSDPStrategy')
    for options, words in (
        (dict(runner_type='Flexible'), "runner_type='Flexible' is no runner"),
        (dict(strategy=strategy), 'has no effect with runner_type=Runner: set runner_'),
        (dict(strategy='FSDPStrategy'), "strategy='FSDPStrategy' must be options"),
    ):
        with pytest.raises(ValueError, match=words):
            check_strategy(dict(cfg, **options))
    for options in ({}, dict(runner_type='FlexibleRunner', strategy=strategy)):
        check_strategy(dict(cfg, **options))
    use_deepspeed(cfg)
    if not installed_version('deepspeed'):
        with pytest.raises(ImportError, match='needs the package deepspeed.* pip inst'):
            STRATEGIES.build(cfg.strategy)


def test_weights_of_deepspeed_are_read(tmp_path):
    """By the names that DeepSpeed 0.19 gives what it saves."""
    weights = {'neck.weight': torch.arange(3.0)}
    saved = dict(module=weights, ds_version='0.19.8', meta={}, buffer_names=[])
    source, converted = tmp_path / 'states.pt', tmp_path / 'weights.safetensors'
    torch.save(saved, source)
    run_tool('convert_checkpoint', source, converted)
    for path in (source, converted):
        read = load_from_local(str(path))['state_dict']
        assert torch.equal(read['neck.weight'], weights['neck.weight'])
