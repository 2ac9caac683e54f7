"""The weight of two branches, from dumps of the test."""

import numpy as np
import pytest
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
from bike_mmaction.evaluation.score_dumps import join
from tests.kit.score_dumps import VIDEO, chance, joint, without, write_and_read

WEIGHTS = np.linspace(0, 1, 21).round(10).tolist()


@pytest.fixture
def write(tmp_path):
    """Write a dump and read it; returns it."""
    return lambda samples, name='scores.pkl': write_and_read(samples, tmp_path / name)


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
        actual = measure(fused, labels)
        assert actual['mAP'] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 3) / 2)
        assert 'top3' in actual and 'top5' not in actual

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
