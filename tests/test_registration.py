"""What a config may name is registered by ``import bike_mmaction`` alone."""

import json
import os.path as osp
import sys

import mmaction
import pytest
import torch
from mmaction.registry import MODELS
from mmengine import load

from bike_mmaction.models.untrained import random_parts
from tests.kit.configs import load_config, shrink
from tests.kit.models import write_checkpoint, write_clip
from tests.kit.tools import printed_by, read_results, run_process, run_tool, run_well

TOOLS = osp.join(osp.dirname(mmaction.__file__), '.mim', 'tools')

EVERYTHING = """
import importlib, json, pkgutil, sys
import bike_mmaction
import mmaction.registry, mmengine.registry
from mmengine.registry import Registry

def registered():
    registered = set()
    for package in (mmaction.registry, mmengine.registry):
        for registry in vars(package).values():
            if isinstance(registry, Registry):
                registered |= {(registry.name, name, f'{x.__module__}')
                          for name, x in registry.module_dict.items()}
    return {f for f in registered if f[2].startswith('bike_mmaction')}

first = registered()
names = [m.name for m in pkgutil.walk_packages(
    bike_mmaction.__path__, 'bike_mmaction.')]
for name in names:
    importlib.import_module(name)
print(json.dumps([sorted(first), sorted(registered()), names]))
"""


def test_import_registers_everything():
    printed = printed_by(run_process(sys.executable, '-c', EVERYTHING))
    first, whole, names = json.loads(printed.splitlines()[-1])
    assert len(first) > 20 and 'bike_mmaction.cli.testing' in names
    assert [entry for entry in whole if entry not in first] == []


@pytest.fixture
def small(data_root, tmp_path):
    """A video branch of CLIP alone, with the weights of a file."""
    cfg = shrink(load_config('bike_vitb16_vcs_k400'), data_root, tmp_path)
    clip = write_clip(tmp_path / 'clip.pt', cfg.model.backbone.arch)
    for tower in (cfg.model.backbone, cfg.model.cls_head.text_encoder):
        tower.pretrained = clip
    cfg.test_dataloader.dataset.indices = 2
    cfg.dump(tmp_path / 'small.py')
    return cfg


def test_dumped_config_runs_by_the_toolbox(small, tmp_path):
    """There it tests the checkpoint, not the weights that the config names."""
    run_tool(
        'test', tmp_path / 'small.py', 'pretrained', '--work-dir', tmp_path / 'work'
    )
    read_results(tmp_path / 'work')
    model = MODELS.build(small.model)
    torch.manual_seed(1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    write_checkpoint(model, tmp_path / 'other.pth')
    dumps = []
    for program, config in (
        (f'{TOOLS}/test.py', tmp_path / 'work/small.py'),
        (None, tmp_path / 'small.py'),
    ):
        args = [
            config,
            tmp_path / 'other.pth',
            '--work-dir',
            tmp_path / 'again',
            '--dump',
            tmp_path / f'{len(dumps)}.pkl',
        ]
        if program:
            printed = run_well(sys.executable, program, *args, cwd=tmp_path)
            assert '`pretrained` of the config is not read' in printed
        else:
            run_tool('test', *args)
        dumps.append(torch.stack([s['pred_score'] for s in load(str(args[-1]))]))
    torch.testing.assert_close(*dumps)


def test_random_weights_are_not_tested(data_root, tmp_path):
    """The temporal transformer has no weights but those of a checkpoint."""
    cfg = shrink(load_config('bike_vitb32_k400'), data_root, tmp_path)
    cfg.dump(tmp_path / 'small.py')
    with pytest.raises(SystemExit, match="test: error: no pretrained.*'neck'"):
        run_tool(
            'test', tmp_path / 'small.py', 'pretrained', '--work-dir', tmp_path / 'work'
        )


@pytest.mark.parametrize(
    'name,expected',
    [
        ('bike_vitb32_k400', ['neck']),
        ('bike_vitb16_vcs_k400', []),
        ('bike_vitb32_plugplay_k400', ['neck']),
        ('clip_vitb32_tsn_k400', ['cls_head.fc_cls']),
        ('vcs_resnet50_k400', ['cls_head.projection']),
    ],
)
def test_random_parts(name, expected):
    model = load_config(name).model
    with torch.device('meta'):
        assert random_parts(MODELS.build(model)) == expected
