"""The demo's steps, at a reduced size."""

import hashlib
import json
import os.path as osp
import pickle
import shutil
import sys

import pytest
import torch

from tests.kit import ROOT
from tests.kit.configs import load_config
from tests.kit.tools import run_tool, run_well
from tests.kit.videos import read_video


def run(script, *args, **kwargs):
    return run_well(sys.executable, script, *args, **kwargs)


def render(out, *args):
    return run(
        'tools/demo/render.py',
        '--out',
        out,
        '--train',
        2,
        '--val',
        1,
        '--test',
        16,
        *args,
    )


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp('demo') / 'data'
    render(folder)
    return folder


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_videos_and_lists(data):
    truths = json.loads((data / 'truth.json').read_text())
    rows = [row.split() for row in (data / 'test.txt').open()]
    assert sorted(int(label) for _, label in rows) == list(range(16))
    for name, label in rows:
        frames = read_video(data / 'videos' / name)
        assert frames.shape == (64, 64, 64, 3)
        first, last = truths[name]['event']
        assert 0.06 * 64 <= last - first + 1 <= 0.25 * 64
        assert truths[name]['label'] == int(label)
    lists = [
        (data / f'{name}.txt').read_text() for name in ('train', 'val', 'test', 'all')
    ]
    assert ''.join(lists[:3]) == lists[3]


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
        'tools/demo/pretrain.py',
        'configs/demo/bike_demo.py',
        '--out',
        path,
        '--steps',
        2,
    ]
    run(*args)
    from mmaction.registry import MODELS

    cfg = load_config('bike_demo')
    backbone = MODELS.build(dict(cfg.model.backbone, pretrained=str(path)))
    backbone.init_weights()
    weights = torch.load(path)
    torch.testing.assert_close(
        backbone.visual.conv1.weight.detach(), weights['visual.conv1.weight']
    )
    time = osp.getmtime(path)
    run(*args)  # cached
    assert osp.getmtime(path) == time


@pytest.fixture
def demo_path(monkeypatch):
    monkeypatch.syspath_prepend(osp.join(ROOT, 'tools', 'demo'))


def test_quality_of_phrases(demo_path):
    from phrases import quality

    truths = dict(
        a=dict(
            background='snow',
            scenery='fence',
            segments=[[0, 9, ['red ball']], [10, 63, ['box']]],
        )
    )
    phrases = ['snow', 'lamp', 'red ball', 'fence', 'ramp']
    actual = quality(dict(a=[(phrase, 0.5) for phrase in phrases]), truths)
    assert actual == pytest.approx(
        dict(top3=200 / 3, top5=60, chance=400 / 31, background=100, scenery=0)
    )


def dump(path, rows):
    """Dump two-class samples: label, cosines of V and maybe of A."""
    samples = []
    for number, (label, video, *attributes) in enumerate(rows):
        sample = dict(
            filename=f'{path.stem}/{number}.mp4',
            gt_label=torch.tensor([label]),
            pred_score=torch.tensor(video).softmax(0),
        )
        if attributes:
            sample.update(
                video_score=sample['pred_score'],
                attributes_score=torch.tensor(attributes[0]).softmax(0),
            )
        samples.append(sample)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(samples))


def test_weight_is_chosen_on_validation_clips(demo_path, tmp_path):
    from branches import branch_results

    # A corrects V's mistake below 0.83, V that of A above 0.89.
    corrected = [(0, [0.0, 0.1], [0.5, 0.0]), (1, [0.0, 0.9], [0.0, 0.1])]
    spoiled = [(0, [0.1, 0.0], [0.0, 0.9]), (1, [0.0, 0.9], [0.0, 0.1])]
    for seed, held_out in enumerate((corrected, spoiled)):
        folder = tmp_path / f'both_seed{seed}'
        dump(folder / 'val.pkl', held_out)
        dump(folder / 'test.pkl', corrected)
        for split, rows in (('val', held_out), ('test', corrected)):
            dump(
                tmp_path / f'video_seed{seed}' / f'{split}.pkl',
                [row[:2] for row in rows],
            )
    for model in ('both', 'video'):  # A of a run of its own, or of the same
        actual = branch_results(tmp_path, model, 'both_seed{seed}', [0, 1])
        assert actual.weights == [0.7, 0.9]
        assert actual.top1['V'].tolist() == [50, 50]
        assert actual.top1['A'].tolist() == [100, 100]
        assert actual.top1['released'].tolist() == [100, 100]
        assert actual.top1['chosen'].tolist() == [100, 50]
        assert actual.spread['V'] == pytest.approx((0.05 + 0.45) / 2)


def begin(folder):
    """Data and CLIP, where the demo's configs look for them."""
    out = folder / 'work_dirs' / 'demo'
    render(out / 'data')
    run(
        'tools/demo/pretrain.py',
        'configs/demo/bike_demo.py',
        '--out',
        out / 'clip.pt',
        '--steps',
        2,
    )
    return out


@pytest.mark.slow
def test_from_video_to_table(tmp_path):
    """As tools/demo.sh, whose paths are relative to where it runs."""
    out = begin(tmp_path)
    config = f'{ROOT}/configs/demo/bike_demo.py'
    both = f'{ROOT}/configs/demo/bike_demo_attributes.py'

    def tool(name, *args):
        run(f'{ROOT}/tools/{name}.py', *args, cwd=tmp_path)

    ann_file = 'test_dataloader.dataset.ann_file=work_dirs/demo/data/{}.txt'
    tool(
        'generate_attributes',
        config,
        '--lexicon',
        out / 'data/lexicon.txt',
        '--out',
        out / 'data/attributes.json',
        '--cfg-options',
        ann_file.format('all'),
    )
    tool('train', config, '--work-dir', out / 'vcs_seed0')
    checkpoint = out / 'vcs_seed0' / 'epoch_3.pth'
    stage = out / 'attributes_seed0'
    tool('train', both, '--work-dir', stage, '--cfg-options', f'load_from={checkpoint}')
    for split in ('val', 'test'):
        tool(
            'test',
            both,
            stage / 'epoch_10.pth',
            '--dump',
            stage / f'{split}.pkl',
            '--cfg-options',
            ann_file.format(split),
        )
    for name in ('meanpool_seed0', 'plugplay'):
        shutil.copytree(stage, out / name)
    run(f'{ROOT}/tools/demo/report.py', out, '--seeds', 0, cwd=tmp_path)
    results = (out / 'results.md').read_text()
    assert '| V trained + A plug-and-play, λ = 0.7 |' in results
    assert 'of the nearest 3 phrases' in results
    assert len(list(out.glob('saliency_*.png'))) == 4


def test_classes_are_held_out(data, demo_path, tmp_path):
    data = shutil.copytree(data, tmp_path / 'data')
    run_tool('demo/hold_out', data)
    names = (data / 'class_names.txt').read_text().splitlines()
    halves = [
        (data / f'{half}.txt').read_text().splitlines() for half in ('seen', 'unseen')
    ]
    assert sorted(sum(halves, [])) == sorted(names)
    for half in halves:
        assert len(half) == 8
        assert {name.split()[0] for name in half} == {'red', 'green', 'blue', 'yellow'}
        assert len({name.split(' ', 2)[2] for name in half}) == 4
    before = dict(line.split() for line in (data / 'test.txt').open())
    for half, part in zip(('seen', 'unseen'), halves):
        rows = [line.split() for line in (data / f'{half}_test.txt').open()]
        assert len(rows) == 8
        for path, label in rows:
            assert part[int(label)] == names[int(before[path])]


@pytest.mark.slow
def test_protocols_to_table(tmp_path, demo_path, monkeypatch):
    """As tools/demo_protocols.sh, with results of one test for several."""
    out = begin(tmp_path)
    monkeypatch.chdir(tmp_path)
    run_tool('demo/hold_out', out / 'data')
    work = out / 'protocols'
    kept = {}
    # Of this little data most classes have nothing to draw.
    few = ['--cfg-options', 'train_dataloader.dataset.allow_fewer=True']
    for kind, train, test, options in (
        ('all', '_few_shot', '', few),
        ('unseen', '_seen', '_unseen', []),
    ):
        run_tool(
            'train',
            f'{ROOT}/configs/demo/bike_demo{train}.py',
            '--work-dir',
            work / kind,
            *options,
        )
        run_tool(
            'test',
            f'{ROOT}/configs/demo/bike_demo{test}.py',
            work / kind / 'epoch_3.pth',
            '--work-dir',
            work / f'{kind}_test',
            '--interpolate',
            '0.5',
        )
        (kept[kind],) = (work / f'{kind}_test').glob('*/results.json')
    assert (work / 'all' / 'few_shot_list.txt').exists()
    for name in (
        'all_pretrained',
        'all_1shot_seed0',
        'all_2shot_seed0',
        'all_5shot_seed0',
        'unseen_pretrained',
        'unseen_weight0.5_seed0',
        'unseen_weight1_seed0',
    ):
        shutil.copy(kept[name.split('_')[0]], work / f'{name}.json')
    # Of the tiny list no half-classes accuracy can be told.
    for path in work.glob('unseen_*.json'):
        results = json.loads(path.read_text())
        for evaluator in ('frames', 'video'):
            key = f'zero_shot_{evaluator}/half_top1_mean'
            results['metrics'].setdefault(key, 0.25)
        path.write_text(json.dumps(results))
    run_tool('demo/protocols', work, '--seeds', 0)
    results = (work / 'results.md').read_text()
    assert '| training videos of each class | no training | 1 | 2 | 5 |' in results
    assert '| fine-tuned on the other classes |' in results
    assert (work / 'protocols.png').stat().st_size > 10000
