"""Clips are parted by class, by recording, and the same way each time."""

from collections import Counter, defaultdict

import pytest

from bike_mmaction.datasets.shares import read_shares
from bike_mmaction.datasets.splitting import SplitClip, split_clips

SHARES = (0.7, 0.15, 0.15)


def counts(clips, parts):
    """Clips in train, val and test, by class."""
    table = defaultdict(Counter)
    for clip, part in zip(clips, parts):
        for label in clip.labels:
            table[label][part] += 1
    return {k: tuple(c[p] for p in ('train', 'val', 'test')) for k, c in table.items()}


def clips_of(**sizes):
    return [
        SplitClip((label,), (f'{label}{i}',))
        for label, size in sizes.items()
        for i in range(size)
    ]


def test_each_class_has_its_shares():
    """Rounded, none without while there are enough; test comes before val."""
    clips = clips_of(a=20, b=7, c=3, d=2, e=1)
    expected = dict(a=(14, 3, 3), b=(5, 1, 1), c=(1, 1, 1), d=(1, 0, 1), e=(1, 0, 0))
    for seed in range(5):
        assert counts(clips, split_clips(clips, SHARES, seed)) == expected
    assert split_clips(clips, SHARES, 3) == split_clips(clips, SHARES, 3)
    assert split_clips(clips, SHARES, 3) != split_clips(clips, SHARES, 4)
    parts = split_clips(clips, (0.5, 0.5, 0))
    assert counts(clips, parts)['a'] == (10, 10, 0)


def test_recordings_stay_together():
    """By any of the names that they share, through a chain of them."""
    clips = [
        SplitClip((f'c{n % 4}',), (f'content{n}', f'group{n // 10}'))
        for n in range(200)
    ]
    clips += [SplitClip(('c0',), ('group0', 'group1')), SplitClip(('c1',), ('group1',))]
    for seed in range(5):
        parts = split_clips(clips, SHARES, seed)
        sides = defaultdict(set)
        for clip, part in zip(clips, parts):
            sides[clip.groups[-1]].add(part)
        assert all(len(side) == 1 for side in sides.values())
        assert sides['group0'] == sides['group1']
        table = counts(clips, parts)
        assert all(0.55 < one[0] / sum(one) < 0.85 for one in table.values()), table


def test_several_labels():
    """Each class is trained on, also a rare one, and none goes without a test."""
    clips = [
        SplitClip(
            tuple(name for name, n in dict(a=2, b=3, c=25).items() if i % n == 0),
            (str(i),),
        )
        for i in range(100)
    ]
    table = counts(clips, split_clips(clips, SHARES, 1))
    assert all(min(one) > 0 for one in table.values()), table
    assert abs(table['a'][0] - 35) <= 2 and abs(table['b'][0] - 24) <= 2


def test_given_parts_stay():
    """The rest joins its recording, or the training; absent parts come from it."""
    given = [SplitClip(('a',), (f'g{i}',), 'test') for i in range(4)]
    free = clips_of(a=20)
    joins = [SplitClip(('a',), ('g0',))]
    parts = split_clips([*given, *free, *joins], SHARES)
    assert parts[:4] == ['test'] * 4 and parts[-1] == 'test'
    drawn = Counter(parts[4:-1])
    assert drawn['test'] == 0 and 3 <= drawn['val'] <= 4
    both = [
        *given,
        SplitClip(('a',), ('x',), 'train'),
        SplitClip(('a',), ('y',), 'val'),
    ]
    assert split_clips([*both, *free], SHARES)[6:] == ['train'] * 20


def test_shares():
    assert read_shares('70,15,15') == pytest.approx(SHARES)
    assert read_shares('8,2,0') == pytest.approx((0.8, 0.2, 0))
    for text in ('70,30', 'a,b,c', '0,1,1', '-1,1,1', '1,nan,1', '1,inf,1'):
        with pytest.raises(ValueError, match='expected the shares of train, val and'):
            read_shares(text)
