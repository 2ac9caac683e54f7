"""Configs are read by the paths that they had, with a warning."""

import os.path as osp
import shutil
import warnings

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from bike_mmaction.apis.building import read_config
from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.moved_configs import HAD_TWINS, HOMES, find_moved_config
from bike_mmaction.recipes import use_rawframes
from bike_mmaction.shipped import find_config
from tests.kit import ROOT
from tests.kit.checks import collected
from tests.kit.configs import shrink
from tests.kit.tools import run_tool

CONFIGS = osp.join(ROOT, 'configs')
# A twin for extracted frames of the second stage, as a run dumped it before.
DUMPED = osp.join(
    ROOT, 'tests', 'configs', 'data', 'bike_vitb32_attributes_k400_rawframes.py'
)

WERE_ABLATIONS = dict.fromkeys(
    ('bike_vitb16_plugplay_k400', 'bike_vitl14_plugplay_k400'), 'ablations'
)


def read_old(path):
    """A config, and the one warning that it gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        cfg = Config.fromfile(path)
    (told,) = (str(w.message) for w in caught if w.category is FutureWarning)
    return cfg, told


def test_paths_of_before():
    with collected() as check:
        for name, folder in HOMES.items():
            new = osp.join(CONFIGS, folder, f'{name}.py')
            old = osp.join(CONFIGS, WERE_ABLATIONS.get(name, ''), f'{name}.py')
            with check(name):
                cfg, told = read_old(old)
                assert told.startswith(f"config '{old}' is now '{new}'; the old path")
                assert cfg.to_dict() == Config.fromfile(new).to_dict()


def test_twins_for_extracted_frames():
    with collected() as check:
        for name in HAD_TWINS:
            old = osp.join(CONFIGS, f'{name}_rawframes.py')
            with check(name):
                new = find_config(name)
                cfg, told = read_old(old)
                assert f"config '{old}' is now '{new}', with the option --raw" in told
                expected = Config.fromfile(new)
                use_rawframes(expected)
                start, twins_start = (
                    expected.pop('load_from', None),
                    cfg.pop('load_from'),
                )
                assert cfg.to_dict() == expected.to_dict()
                assert twins_start == (
                    start and start.replace('/epoch', '_rawframes/epoch')
                )
                # By its bare name, too.
                assert find_config(f'{name}_rawframes') == old


def test_what_a_run_dumped_before(data_root, tmp_path):
    """It is the config of today, but for what reads videos, and still trains."""
    dumped = Config.fromfile(DUMPED)
    today, _ = read_old(osp.join(CONFIGS, osp.basename(DUMPED)))
    assert dumped.pop('work_dir') == 'work_dirs/bike_vitb32_attributes_k400_rawframes'
    names = {'VideoInit': 'DecordInit', 'VideoDecode': 'DecordDecode'}
    for step in today.test_pipeline:
        step.type = names.get(step.type, step.type)
    # What goes on past bad videos and kills has come since; `bike train` adds it.
    for hook in ('bad_videos', 'exact_resume', 'make_up_validation'):
        today.default_hooks.pop(hook)
    today.val_cfg.type = 'ValLoop'
    # The same numbers, sooner.
    today.optim_wrapper.optimizer.type = 'AdamW'
    today.default_hooks.runtime_info.type = 'RuntimeInfoHook'
    assert dumped.to_dict() == today.to_dict()
    cfg = shrink(dumped, data_root, tmp_path)
    Runner.from_cfg(cfg).train()


def test_config_of_a_user(tmp_path):
    """Based on an old path, which is relative to it."""
    shutil.copytree(CONFIGS, tmp_path / 'configs')
    (tmp_path / 'own').mkdir()
    own = tmp_path / 'own' / 'mine.py'
    own.write_text("_base_ = '../configs/bike_demo_attributes.py'\nmax_epochs = 2\n")
    cfg, told = read_old(str(own))
    assert f"is now '{tmp_path}/configs/demo/bike_demo_attributes.py'" in told
    assert (cfg.max_epochs, cfg.model.attributes_head.type) == (2, 'AttributesTextHead')


def test_only_what_is_absent_has_moved(tmp_path, monkeypatch):
    shutil.copytree(CONFIGS, tmp_path / 'configs')
    monkeypatch.chdir(tmp_path)
    assert find_moved_config('configs/bike_demo.py')
    for path in (
        'configs/nosuch.py',
        'configs/bike_vitl14_k400.py',
        'configs/bike_demo_rawframes.py',  # had no twin
        'elsewhere/bike_demo.py',
        'configs/bike_demo.json',
    ):
        assert not find_moved_config(path), path
    (tmp_path / 'configs' / 'bike_demo.py').write_text('mine = True\n')
    with warnings.catch_warnings():
        warnings.simplefilter('error', FutureWarning)
        assert Config.fromfile('configs/bike_demo.py').mine
    with pytest.raises(FileNotFoundError):
        Config.fromfile('configs/nosuch.py')


def test_python_users_give_old_paths():
    """To BIKEInferencer and to the functions of apis/."""
    for name in (
        osp.join(CONFIGS, 'bike_vitb32_plugplay_k400.py'),
        'bike_vitb32_plugplay_k400_rawframes',
    ):
        with pytest.warns(FutureWarning, match='is now'):
            cfg = read_config(name)
        assert cfg.model.attributes_head.mlp is False
        read = own_dataset(cfg, 'test').type
        assert read == ('RawframeDataset' if 'raw' in name else 'VideoDataset')


def test_tools_take_old_paths(tmp_path):
    """They go on to what is wrong beside them."""
    (tmp_path / 'some.pth').touch()
    for path in ('bike_vitl14_16f_ucf101_split1.py', 'bike_vitl14_k400_rawframes.py'):
        config = osp.join(CONFIGS, path)
        for tool, more in (('train', []), ('test', [tmp_path / 'some.pth'])):
            refused = pytest.raises(SystemExit, match="frames 'x.jpg': expected a ")
            with pytest.warns(FutureWarning, match='is now'), refused:
                run_tool(tool, config, *more, '--frames', 'x.jpg')
