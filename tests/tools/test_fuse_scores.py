"""The tool that fuses score files."""

import json
import os.path as osp
import runpy
import subprocess
import sys

import mmengine
import numpy as np
import pytest

from bike_mmaction.evaluation.fusion import compare, fuse
from bike_mmaction.evaluation.score_dumps import join, read_dump
from tests.kit.score_dumps import chance, joint, without, write_and_read


@pytest.fixture
def write(tmp_path):
    """Write a dump and read it; returns it."""
    return lambda samples, name='scores.pkl': write_and_read(samples, tmp_path / name)


def test_tool(repository, tmp_path, write):
    """Chosen on one dump, reported on another, in two files each."""
    held = chance(40, seed=1)
    for i, s in enumerate(held):
        s['filename'] = f'data/videos_train/v{i}.mp4'
    samples = chance(50)
    del samples[0]['attributes_score']
    paths = [
        write(without(part, key), name).path
        for part, key, name in (
            (samples, 'attributes_score', 'v.pkl'),
            (samples, 'video_score', 'a.pkl'),
            (held, 'attributes_score', 'held_v.pkl'),
            (held, 'video_score', 'held_a.pkl'),
        )
    ]
    out = {name: tmp_path / f'new/{name}' for name in ('f.pkl', 'c.png', 'j')}
    done = subprocess.run(
        [
            sys.executable,
            'tools/fuse_scores.py',
            *paths[:2],
            '--sweep',
            '--held-out',
            *paths[2:],
            '--step',
            '.1',
            '--out',
            out['f.pkl'],
            '--plot',
            out['c.png'],
            '--json',
            out['j'],
        ],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads(out['j'].read_text())
    chosen, table = results['sweep'], results['table']
    assert (chosen['chosen_on'], chosen['reported_on']) == (40, 50)
    assert len(chosen['weights']) == len(chosen['values']) == 11
    names = ['V', 'A', 'V+A, as released', 'V+A, chosen']
    assert [row['name'] for row in table] == names
    assert [row['weight'] for row in table] == [1, 0, 0.7, chosen['weight']]
    assert results['without_attributes'] == 1
    for text in (
        f'weight {chosen["weight"]:g} chosen on 40 held-out videos',
        'Results on the other 50 videos',
        f'{table[-1]["top1"]:.4f}',
        '1 of 50 videos have no attri',
    ):
        assert text in done.stdout
    assert osp.getsize(out['c.png']) > 5000
    # A joint dump again, with the same results
    again = read_dump(str(out['f.pkl']))
    scores, _ = join(again)
    row = compare(scores, {'V+A, chosen': chosen['weight']})[-1]
    assert row == pytest.approx(table[-1])
    for s, fused in zip(again.samples, fuse(scores, chosen['weight'])):
        np.testing.assert_array_equal(s['pred_score'], fused)
        assert s['pred_label'].tolist() == [fused.argmax()]
        assert s['img_shape'] == (224, 224)


@pytest.fixture
def tool(repository, monkeypatch):
    """The tool's ``main``, in this process."""
    script = osp.join(repository, 'tools/fuse_scores.py')

    def _run(*args):
        monkeypatch.setattr(sys, 'argv', [script, *map(str, args)])
        runpy.run_path(script, run_name='__main__')

    return _run


def test_tool_without_sweep(tool, write, capsys):
    path = write(joint()).path
    tool(path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == 'weight videos top1 top2 mean1 mAP'.split()
    assert [line.split()[:4] for line in lines[1:]] == [
        ['V', '1', '4', '0.7500'],
        ['A', '0', '4', '0.5000'],
        ['V+A', '0.7', '4', '0.7500'],
    ]
    tool(path, '--weight', 0.5)
    assert 'V+A                    0.5       4  1.0000' in capsys.readouterr().out


def test_tool_with_random_half(tool, write, capsys, tmp_path):
    labels = np.random.RandomState(0).randint(0, 2, (4, 2))
    labels[:, 0] = 1
    path = write(joint(labels=labels.tolist())).path
    tool(path, '--sweep', '--seed', 3, '--out', tmp_path / 'out.pkl')
    printed = capsys.readouterr().out
    assert 'on 2 held-out videos (a random half, seed 3; mAP ' in printed
    assert 'Results on the other 2 videos' in printed
    assert 'top1' not in printed
    assert 'has all videos, also those that the weight is chosen' in printed
    assert len(mmengine.load(tmp_path / 'out.pkl')) == 4


@pytest.mark.parametrize(
    'args,message',
    [
        (
            ['--sweep', '--step', 0.3],
            'fuse_scores.py: error: step=0.3 does not divide 1',
        ),
        (['--sweep', '--step', 0], 'fuse_scores.py: error: step=0.0 does not divide 1'),
        (
            ['--sweep', '--held-out', 'absent.pkl'],
            'fuse_scores.py: error: .*absent.pkl',
        ),
        (['absent.pkl'], 'fuse_scores.py: error: .*absent.pkl'),
    ],
)
def test_tool_refuses(tool, write, args, message):
    with pytest.raises(SystemExit, match=message):
        tool(write(joint()).path, *args)


@pytest.mark.parametrize(
    'args,message',
    [
        (['--plot', 'x.png'], '--plot needs --sweep'),
        (['--held-out', 'x.pkl'], '--held-out needs --sweep'),
        (['--sweep', '--weight', 0.5], '--sweep chooses the weight'),
        (['--sweep', '--held-out', 'a', 'b', 'c'], 'takes one or two files'),
        (['--sweep', '--held-out', 'a', '--seed', 1], 'nothing is random'),
        (['--out', 'x.json'], 'must end with .pkl'),
        (['--weight', 1.5], "--weight: '1.5' is not in [0, 1]"),
    ],
)
def test_tool_refuses_options_without_effect(tool, write, capsys, args, message):
    with pytest.raises(SystemExit):
        tool(write(joint()).path, *args)
    assert message in capsys.readouterr().err
