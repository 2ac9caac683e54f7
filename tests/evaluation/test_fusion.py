"""The weight of two branches, from dumps of the test."""

import json
import os.path as osp
import runpy
import subprocess
import sys

import mmengine
import numpy as np
import pytest
import torch
from mmaction.evaluation import AccMetric
from mmengine.evaluator import Evaluator

from bike_mmaction.evaluation.fusion import (
    check_apart,
    choose_metric,
    choose_weight,
    compare,
    fuse,
    fused_samples,
    measure,
    split_half,
)
from bike_mmaction.evaluation.score_dumps import join, read_dump

WEIGHTS = np.linspace(0, 1, 21).round(10).tolist()

# V misses the third video, A the first two. Fused, the second is right where
# .6 λ > .4 (1 - λ), the third where .4 (1 - λ) > .2 λ: 2/5 < λ < 2/3.
VIDEO = [[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.1, 0.9]]
ATTRIBUTES = [[0.4, 0.6], [0.3, 0.7], [0.3, 0.7], [0.2, 0.8]]
LABELS = [0, 0, 1, 1]


def sample(number, label, **scores):
    """A video of a dump, as ``ActionDataSample.to_dict()`` has it."""
    scores = {
        f'{branch}_score': torch.tensor(score, dtype=torch.float64)
        for branch, score in scores.items()
        if score is not None
    }
    pred = scores.get('pred_score', next(iter(scores.values())))
    return dict(
        scores,
        pred_score=pred,
        pred_label=pred.argmax(-1, keepdim=True),
        gt_label=torch.tensor(label).reshape(-1),
        num_classes=len(pred),
        filename=f'data/videos_val/v{number}.mp4',
        img_shape=(224, 224),
    )


def joint(video=VIDEO, attributes=ATTRIBUTES, labels=LABELS):
    """Samples of a test of both branches."""
    return [
        sample(i, label, video=v, attributes=a)
        for i, (v, a, label) in enumerate(zip(video, attributes, labels))
    ]


def chance(count, num_classes=6, seed=0):
    """Samples whose scores both know something of the label."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, num_classes, count)
    bonus = np.eye(num_classes)[labels]
    scores = [
        torch.tensor(rng.randn(count, num_classes) + strength * bonus)
        .softmax(-1)
        .tolist()
        for strength in (1.5, 1)
    ]
    return joint(*scores, labels.tolist())


@pytest.fixture
def write(tmp_path):
    """Write a dump and read it; returns it."""

    def _write(samples, name='scores.pkl'):
        mmengine.dump(samples, tmp_path / name)
        return read_dump(str(tmp_path / name))

    return _write


def without(samples, *keys):
    return [{k: v for k, v in s.items() if k not in keys} for s in samples]


class TestFormula:
    @pytest.mark.parametrize(
        'weight,first,top1',
        [
            (0, [0.4, 0.6], 0.5),
            (0.3, [0.55, 0.45], 0.75),
            (0.5, [0.65, 0.35], 1),
            (0.7, [0.75, 0.25], 0.75),
            (1, [0.9, 0.1], 0.75),
        ],
    )
    def test_by_hand(self, write, weight, first, top1):
        scores, notes = join(write(joint()))
        fused = fuse(scores, weight)
        assert notes == []
        np.testing.assert_allclose(fused[0], first)
        assert measure(fused, scores.labels)['top1'] == top1

    @pytest.mark.parametrize('weight', [-0.1, 1.1, float('nan')])
    def test_weight_outside(self, write, weight):
        with pytest.raises(ValueError, match=r'weight=.* not in \[0, 1\]'):
            fuse(join(write(joint()))[0], weight)

    def test_without_attributes_video_counts_alone(self, write):
        samples = joint()
        del samples[2]['attributes_score']
        scores, (note,) = join(write(samples))
        assert '1 of 4 videos have no attributes' in note
        for weight in (0, 0.5, 1):
            np.testing.assert_allclose(fuse(scores, weight)[2], VIDEO[2])
        rows = {r['name']: r for r in compare(scores, {'V+A': 0.5})}
        assert rows['V']['videos'] == rows['V+A']['videos'] == 4
        assert rows['A']['videos'] == 3  # of which the last is right
        assert rows['A']['top1'] == pytest.approx(1 / 3)


class TestMetrics:
    def test_as_a_test_reports_them(self, write):
        """What AccMetric, the metric of the configs, says of the dumps."""
        samples = chance(60)
        first = write(samples)
        scores, _ = join(first)
        options = ('top_k_accuracy', 'mean_class_accuracy')
        expected = Evaluator(AccMetric(options)).offline_evaluate(
            fused_samples(first, scores, 0.7)
        )
        row = compare(scores, {'V+A': 0.7})[-1]
        assert expected == {
            f'acc/{key}': pytest.approx(row[key]) for key in ('top1', 'top5', 'mean1')
        }

    def test_map_by_hand(self):
        """Ranked by class 0: right, wrong, right; by class 1: right last of
        three; class 2 does not occur and does not count."""
        fused = np.array([[0.9, 0.3, 0.1], [0.5, 0.1, 0.1], [0.4, 0.2, 0.1]])
        labels = np.array([0, 1, 0])
        found = measure(fused, labels)
        assert found['mAP'] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 3) / 2)
        assert 'top3' in found and 'top5' not in found

    def test_absent_class_without_warnings(self, recwarn):
        measure(np.array([[0.9, 0.3, 0.1], [0.5, 0.1, 0.1]]), np.array([0, 1]))
        assert not [w for w in recwarn if w.category is RuntimeWarning]

    def test_several_labels(self, write):
        labels = [[1, 0], [1, 1], [0, 1], [0, 0]]
        scores, _ = join(write(joint(labels=labels)))
        video, attributes, both = compare(scores, {'V+A': 0.5})
        # V ranks class 0: right, right; class 1: wrong, right, right
        assert video['mAP'] == pytest.approx((1 + (1 / 2 + 2 / 3) / 2) / 2)
        assert set(both) == {'name', 'weight', 'videos', 'mAP'}
        assert choose_metric(scores.labels) == 'mAP'
        with pytest.raises(ValueError, match="metric='top1' needs one label"):
            choose_metric(scores.labels, 'top1')

    def test_no_label_at_all(self, write):
        scores, _ = join(write(joint(labels=[[0, 0]] * 4)))
        with pytest.raises(ValueError, match='gt_label.*no mAP'):
            compare(scores, {})


class TestChoice:
    def test_best_weight(self, write):
        weight, values = choose_weight(join(write(joint()))[0], WEIGHTS, 'top1')
        right = [w for w, v in zip(WEIGHTS, values) if v == 1]
        assert right == [0.45, 0.5, 0.55, 0.6, 0.65]
        assert weight == 0.65  # of these the nearest to 0.7

    @pytest.mark.parametrize(
        'weights,expected',
        [(WEIGHTS, 0.7), ([0.1, 0.2], 0.2), ([0.65, 0.75], 0.65), ([0.9, 0.6], 0.6)],
    )
    def test_ties_near_the_published_weight(self, write, weights, expected):
        scores, _ = join(write(joint(VIDEO, VIDEO)))
        assert choose_weight(scores, weights, 'top1')[0] == expected

    def test_reported_part_is_not_looked_at(self, write):
        """Other labels and scores there: same λ, other results."""
        samples = chance(80)
        held_out, reported = split_half(join(write(samples))[0], seed=0)
        assert len(held_out.labels) == len(reported.labels) == 40
        assert not set(held_out.names) & set(reported.names)
        chosen = choose_weight(held_out, WEIGHTS, 'top1')
        rows = compare(reported, dict(fused=chosen[0]))
        for i, s in enumerate(samples):
            if f'data/videos_val/v{i}' in reported.names:
                s['gt_label'] = (s['gt_label'] + 1) % 6
                s['attributes_score'] = s['attributes_score'].flip(0)
        held_out, reported = split_half(join(write(samples))[0], seed=0)
        assert choose_weight(held_out, WEIGHTS, 'top1') == chosen
        changed = compare(reported, dict(fused=chosen[0]))
        assert all(a['top1'] != b['top1'] for a, b in zip(rows, changed))

    def test_halves_depend_on_seed_not_on_order(self, write):
        samples = chance(21)
        halves = [
            set(split_half(join(write(order))[0], seed)[0].names)
            for order, seed in ((samples, 0), (samples[::-1], 0), (samples, 1))
        ]
        assert halves[0] == halves[1] != halves[2]
        assert len(halves[0]) == 10

    def test_halves_without_names(self, write):
        held_out, reported = split_half(
            join(write(without(chance(9), 'filename')))[0], 0
        )
        assert (len(held_out.labels), len(reported.labels)) == (4, 5)
        assert held_out.names is None

    def test_one_video_cannot_be_split(self, write):
        with pytest.raises(ValueError, match='1 video cannot be split'):
            split_half(join(write(joint()[:1]))[0], 0)

    def test_held_out_apart(self, write):
        one, _ = join(write(joint()))
        with pytest.raises(ValueError, match="4 videos.*'data/videos_val/v0'"):
            check_apart(one, one)
        with pytest.raises(ValueError, match='2 classes, the others of 6'):
            check_apart(one, join(write(chance(9)))[0])


class TestTwoFiles:
    def test_any_order(self, write):
        """As one file; with other extension, and frames instead of files."""
        samples = chance(30)
        expected, _ = join(write(samples))
        others = without(samples, 'video_score')
        for s in others:
            s['frame_dir'] = f'./{s.pop("filename")[:-4]}'
        np.random.RandomState(0).shuffle(others)
        found, notes = join(
            write(without(samples, 'attributes_score')), write(others, 'attributes.pkl')
        )
        assert notes == []
        for one, other in zip(expected, found):
            np.testing.assert_array_equal(one, other)

    def test_joint_dumps_give_their_branch(self, write):
        scores, _ = join(
            write(joint(attributes=[[1.0, 0.0]] * 4)),
            write(joint(video=[[1.0, 0.0]] * 4), 'attributes.pkl'),
        )
        np.testing.assert_array_equal(scores.video, VIDEO)
        np.testing.assert_array_equal(scores.attributes, ATTRIBUTES)

    def test_pred_score_of_other_heads(self, write):
        pair = [
            write(
                [
                    sample(i, label, pred=score)
                    for i, (score, label) in enumerate(zip(part, LABELS))
                ],
                f'{name}.pkl',
            )
            for name, part in (('v', VIDEO), ('a', ATTRIBUTES))
        ]
        scores, notes = join(*pair)
        np.testing.assert_array_equal(scores.attributes, ATTRIBUTES)
        assert len(notes) == 2
        assert all("'pred_score' is used as it is" in n for n in notes)

    def test_names_missing(self, write):
        first = write(without(joint(), 'filename'))
        scores, (note,) = join(first, write(joint(), 'attributes.pkl'))
        assert 'matched by position' in note
        np.testing.assert_array_equal(scores.attributes, ATTRIBUTES)
        with pytest.raises(ValueError, match='has 4 videos.*has 3.*filename'):
            join(first, write(joint()[1:], 'attributes.pkl'))
        with pytest.raises(ValueError, match="'gt_label' of video 0"):
            join(first, write(joint()[::-1], 'attributes.pkl'))

    @pytest.mark.parametrize(
        'change,message',
        [
            (
                lambda s: s[1:],
                "1 videos are in only one of .*scores.pkl' and "
                ".*other.pkl', such as 'data/videos_val/v0'",
            ),
            (
                lambda s: s + s[2:3],
                "other.pkl' has 1 videos more than once, such as 'data/videos_val/v2'",
            ),
            (
                lambda s: s[:3] + [dict(s[3], gt_label=torch.tensor([0]))],
                "'gt_label' of 'data/videos_val/v3' is not the same",
            ),
            (
                lambda s: joint(labels=np.eye(2, dtype=int)[LABELS].tolist()),
                "'gt_label' of 'data/videos_val/v0' is not the same",
            ),
            (lambda s: chance(4), 'of 2 classes.*of 6'),
            (
                lambda s: without(s, 'attributes_score'),
                r"other.pkl' has no 'attributes_score'.*\['video_score', 'pred_scor",
            ),
        ],
    )
    def test_disagreement(self, write, change, message):
        first = write(joint())
        with pytest.raises(ValueError, match=message):
            join(first, write(change(joint()), 'other.pkl'))

    def test_files_swapped(self, write):
        video = write(without(joint(), 'attributes_score'))
        attributes = write(without(joint(), 'video_score'), 'attributes.pkl')
        with pytest.raises(ValueError, match="attributes.pkl' has no 'video_"):
            join(attributes, video)


class TestBadFiles:
    def test_not_a_pickle(self, tmp_path):
        (tmp_path / 'x.pkl').write_text('{}')
        with pytest.raises(ValueError, match="x.pkl' is not a pickle"):
            read_dump(str(tmp_path / 'x.pkl'))
        with pytest.raises(FileNotFoundError, match='absent.pkl'):
            read_dump(str(tmp_path / 'absent.pkl'))

    @pytest.mark.parametrize(
        'content,message',
        [
            ([], 'holds an empty list'),
            (dict(video_score=1), 'does not hold a list of dicts'),
            ([1, 2], 'does not hold a list of dicts'),
        ],
    )
    def test_not_a_list_of_videos(self, write, content, message):
        with pytest.raises(ValueError, match=f"scores.pkl' {message}"):
            write(content)

    @pytest.mark.parametrize(
        'keys,message',
        [
            (['video_score'], r"has no 'video_score'.*\['attributes_score', 'pr"),
            (['attributes_score'], "has no 'attributes_score'.*'video_score'"),
            (
                ['video_score', 'attributes_score', 'pred_score'],
                "has no 'video_score'; of scores it has: None",
            ),
            (['gt_label'], r"'gt_label' of 'data/videos_val/v0' is \[\]; expect"),
        ],
    )
    def test_missing_everywhere(self, write, keys, message):
        with pytest.raises(ValueError, match=f"scores.pkl'.*{message}"):
            join(write(without(joint(), *keys)))

    @pytest.mark.parametrize(
        'key,value',
        [
            ('video_score', None),
            ('video_score', torch.tensor([0.5, float('nan')])),
            ('attributes_score', torch.tensor([0.5, float('inf')])),
            ('video_score', torch.tensor([[0.5, 0.5]])),
            ('video_score', torch.tensor([0.5, 0.3, 0.2])),
            ('attributes_score', dict(rgb=torch.tensor([0.5, 0.5]))),
            ('gt_label', torch.tensor([2])),
            ('gt_label', torch.tensor([-1])),
            ('gt_label', torch.tensor([1, 0])),
            ('gt_label', None),
        ],
    )
    def test_one_bad_video(self, write, key, value):
        samples = joint()
        samples[1][key] = value
        with pytest.raises(ValueError, match=f"scores.pkl'.*'{key}'"):
            join(write(samples))

    def test_video_without_video_score(self, write):
        samples = joint()
        del samples[3]['video_score']
        with pytest.raises(ValueError, match="'video_score' of .*v3' is missing"):
            join(write(samples))


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
        (['--weight', 1.5], r'fuse_scores: weight=1.5 is not in \[0, 1\]'),
        (['--sweep', '--step', 0.3], 'fuse_scores: step=0.3 does not divide 1'),
        (['--sweep', '--step', 0], 'fuse_scores: step=0.0 does not divide 1'),
        (['--sweep', '--held-out', 'absent.pkl'], 'fuse_scores: .*absent.pkl'),
        (['absent.pkl'], 'fuse_scores: .*absent.pkl'),
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
    ],
)
def test_tool_refuses_options_without_effect(tool, write, capsys, args, message):
    with pytest.raises(SystemExit):
        tool(write(joint()).path, *args)
    assert message in capsys.readouterr().err
