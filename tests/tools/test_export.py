"""The tool that exports the video branch."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config

from bike_mmaction.apis import export
from tests.kit.configs import load_config
from tests.kit.exports import (
    build,
    needs_torch,
    predictions,
    require_onnx,
    small_config,
)
from tests.kit.models import TINY_ARCH, write_checkpoint
from tests.kit.tools import refusal, run_tool


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Config and checkpoint, as a user has them."""
    folder = tmp_path_factory.mktemp('files')
    cfg = small_config()
    cfg.dump(folder / 'small.py')
    return folder / 'small.py', write_checkpoint(build(cfg), folder / 'small.pth')


def test_onnx_for_other_classes(files, tmp_path, capsys):
    onnx = require_onnx()
    frames = np.random.randint(0, 256, (3, 3, 4, 32, 32)).astype('f')
    out = tmp_path / 'model.onnx'
    run_tool('export', *files, out, '--classes', 'a cat,yoga', '--opset', 19)
    printed = capsys.readouterr().out
    for name in export.OUTPUTS:
        assert f'{name}: at most ' in printed
    assert f'MiB written to {out}' in printed
    model = onnx.load(str(out))
    assert {o.domain: o.version for o in model.opset_import}[''] == 19
    (names,) = [p.value for p in model.metadata_props if p.key == 'class_names']
    assert json.loads(names) == ['a cat', 'yoga']
    outputs = export.read_onnx(str(out))(frames)
    assert outputs['scores'].shape == (3, 2)
    model = build(Config.fromfile(str(files[0])))
    model.load_state_dict(torch.load(files[1])['state_dict'])
    model.cls_head.set_class_names(['a cat', 'yoga'])
    np.testing.assert_allclose(outputs['scores'], predictions(model, frames), atol=1e-4)


@needs_torch
def test_program_without_check(files, tmp_path, capsys):
    out = tmp_path / 'model.pt2'
    out.write_text('is replaced')
    run_tool('export', *files, out, '--no-check', '--batch', 2)
    assert 'at most' not in capsys.readouterr().out
    assert out.stat().st_size > 2**20


def fails(*args):
    with pytest.raises(SystemExit) as end:
        run_tool('export', *args)
    # Of a text, Python prints it to stderr and ends with status 1.
    assert isinstance(end.value.code, str)
    assert '\n' not in end.value.code.split('\n  ')[0]
    return end.value.code


def test_unknown_suffix(files, tmp_path):
    assert 'must end with .onnx or .pt2' in fails(*files, tmp_path / 'm.pth')


def test_missing_packages(files, tmp_path, monkeypatch):
    monkeypatch.setattr(export, 'torch_version', lambda: export.MIN_TORCH)
    monkeypatch.setattr(export, 'PACKAGES', ('torch', 'absent_package'))
    message = fails(*files, tmp_path / 'm.onnx')
    assert 'ONNX needs absent_package.' in message
    assert 'pip install "bike_mmaction[export]"' in message
    assert export.check_target('m.pt2') == '.pt2'  # needs none of them


def test_old_torch(files, tmp_path, monkeypatch):
    monkeypatch.setattr(export, 'torch_version', lambda: (2, 1))
    for suffix in export.FORMATS:
        message = fails(*files, tmp_path / f'm{suffix}')
        assert 'export needs torch>=2.6, but torch 2.' in message


@needs_torch
def test_unfit_arguments(files, tmp_path):
    config, checkpoint = files
    out = tmp_path / 'm.pt2'
    other = tmp_path / 'other.pth'
    torch.save(dict(state_dict=dict(x=torch.ones(1))), other)
    assert 'does not fit' in fails(config, other, out)
    assert "'absent.pth' does not exist" in fails(config, 'absent.pth', out)
    assert 'absent.txt' in fails(*files, out, '--classes', 'absent.txt')
    assert '--opset is for .onnx' in fails(*files, out, '--opset', 18)
    assert "--batch: '0' is not" in refusal('export', *files, out, '--batch', 0)
    other.write_text('a file, no folder')
    assert 'other.pth' in fails(*files, other / 'm.pt2')


@needs_torch
def test_other_heads(tmp_path):
    cfg = load_config('clip_vitb32_tsn_k400')
    cfg.model.backbone.update(arch=TINY_ARCH, pretrained=None)
    cfg.dump(tmp_path / 'tsn.py')
    for more in ((), ('--classes', 'a,b')):
        message = fails(tmp_path / 'tsn.py', 'pretrained', tmp_path / 'm.pt2', *more)
        assert 'cls_head is a VCSHead can be exported, got TSNHead' in message
