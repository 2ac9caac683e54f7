"""The video branch as ONNX with weights of 8 bits."""

import json
import os
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.apis import export
from bike_mmaction.apis.inference.sources import SourceReader, find_sources
from tests.kit.exports import build, require_onnx, small_config
from tests.kit.models import FOUR_CLASSES, write_checkpoint
from tests.kit.tools import run_tool
from tests.kit.videos import write_video


def test_int8_of_a_checkpoint(tmp_path, capsys):
    """Through the command: what is written, and what is said of it."""
    onnx = require_onnx()
    cfg = small_config()
    model = build(cfg)
    cfg.dump(tmp_path / 'small.py')
    videos = [write_video(tmp_path / f'v{i}.mp4', seed=i) for i in range(3)]
    given = [tmp_path / 'small.py', write_checkpoint(model, tmp_path / 'x.pth')]
    out = tmp_path / 'new' / 'model.onnx'
    run_tool('export', *given, out, '--int8', '--batch', 2, '--videos', *videos)
    printed = capsys.readouterr().out
    assert os.listdir(out.parent) == ['model.onnx']

    file = onnx.load(str(out))
    known = {p.key: p.value for p in file.metadata_props}
    assert 'int8' in known['weights']
    assert json.loads(known['class_names']) == FOUR_CLASSES
    int8 = {i.name for i in file.graph.initializer if i.data_type == 3}
    products = [n for n in file.graph.node if n.op_type == 'MatMulInteger']
    # Four layers of a block of the tower, its projection, and those of the neck.
    assert len(products) >= 9 and {n.input[1] for n in products} <= int8
    whole = {i.name: i for i in file.graph.initializer}
    assert whole['class_words'].data_type == 1  # the classes stay float32

    read = SourceReader(cfg.test_dataloader.dataset.pipeline)
    clips = np.concatenate([read(find_sources(v)[0])['inputs'].numpy() for v in videos])
    clips = clips.astype('f')
    branch, _ = export.video_branch(model)
    expected = branch.recognize(torch.from_numpy(clips))['scores'].numpy()
    run = export.read_onnx(str(out))
    pairs = clips[:2], clips[[2, 0]]
    actual = np.concatenate([run(pair)['scores'] for pair in pairs])[:3]
    differs = np.abs(actual - expected)
    assert 1e-4 < differs.max() < 0.1  # of 8 bits, but of the same model
    same = (actual.argmax(1) == expected.argmax(1)).sum()
    assert f'the same first class on {same} of 3 clips' in printed
    said = float(re.search('at most ([0-9.e-]+), conf', printed).group(1))
    assert said == pytest.approx(differs.max(), rel=0.1)
    share = float(re.search('([0-9.]+) of the size', printed).group(1))
    assert 0.1 < share < 0.6


def test_refused_by_name(tmp_path):
    cfg, wrong = small_config(), {}
    out = tmp_path / 'm.onnx'
    for expected, options in {
        '--int8 is for .onnx files': [tmp_path / 'm.pt2', '--int8'],
        'leave --no-check out': [out, '--int8', '--no-check'],
        'add --int8': [out, '--videos', tmp_path],
        "--videos: 'absent.mp4' does not exist": [
            out,
            '--int8',
            '--videos',
            'absent.mp4',
        ],
    }.items():
        with pytest.raises(SystemExit) as end:
            run_tool('export', 'bike_vitb32_k400', 'pretrained', *options)
        if expected not in str(end.value.code):
            wrong[expected] = end.value.code
    assert not wrong
    cfg.model.backbone.update(frozen=True, dtype='bfloat16')
    model = MODELS.build(cfg.model)
    with pytest.raises(ValueError, match="dtype='bfloat16': files.*leave dtype out"):
        export.video_branch(model, cfg.test_pipeline)
