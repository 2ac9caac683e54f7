"""The demo's data and pre-training, at a reduced size."""
import hashlib
import json
import os
import os.path as osp
import subprocess
import sys

import decord
import pytest
import torch
from mmengine.config import Config

ROOT = osp.abspath(osp.join(osp.dirname(__file__), '..'))


def run(*args):
    return subprocess.run([sys.executable, *map(str, args)],
                          cwd=ROOT,
                          env=dict(os.environ, PYTHONPATH=ROOT),
                          check=True,
                          capture_output=True,
                          text=True).stdout


def render(out, *args):
    return run('tools/demo/render.py', '--out', out, '--train', 2, '--val', 1,
               '--test', 16, *args)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp('demo') / 'data'
    render(folder)
    return folder


def digests(folder):
    return {
        str(path.relative_to(folder)):
        hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob('*')) if path.is_file()
    }


def test_videos_and_lists(data):
    truths = json.loads((data / 'truth.json').read_text())
    rows = [row.split() for row in (data / 'test.txt').open()]
    assert sorted(int(label) for _, label in rows) == list(range(16))
    for name, label in rows:
        reader = decord.VideoReader(str(data / 'videos' / name))
        assert len(reader) == 64 and reader[0].shape == (64, 64, 3)
        first, last = truths[name]['event']
        assert 0.12 * 64 <= last - first + 1 <= 0.30 * 64
        assert truths[name]['label'] == int(label)


def test_a_seed_gives_the_same_files(data, tmp_path):
    render(tmp_path / 'a', '--workers', 1)
    assert digests(tmp_path / 'a') == digests(data)
    render(tmp_path / 'b', '--seed', 1)
    assert digests(tmp_path / 'b') != digests(data)


def test_what_is_complete_is_not_rendered_again(data):
    before = digests(data)
    assert 'nothing to render' in render(data)
    assert digests(data) == before


def test_pretraining_writes_weights_that_fit(tmp_path):
    path = tmp_path / 'clip.pt'
    args = [
        'tools/demo/pretrain.py', 'configs/bike_demo.py', '--out', path,
        '--steps', 2
    ]
    run(*args)
    from mmaction.registry import MODELS
    cfg = Config.fromfile(osp.join(ROOT, 'configs/bike_demo.py'))
    backbone = MODELS.build(dict(cfg.model.backbone, pretrained=str(path)))
    backbone.init_weights()
    weights = torch.load(path)
    torch.testing.assert_close(backbone.visual.conv1.weight.detach(),
                               weights['visual.conv1.weight'])
    time = osp.getmtime(path)
    run(*args)  # cached
    assert osp.getmtime(path) == time
