"""What a reproduced table says of its rows."""

from mmengine.config import Config

from bike_mmaction.reproduction import Settings, rows_of
from bike_mmaction.reproduction.plan import PlannedRow, Weights
from bike_mmaction.reproduction.remarks import remarks_of
from bike_mmaction.reproduction.report import cells, compare, means_of_splits
from tests.kit.checks import collected
from tests.kit.reproduction import shipped


def planned(row, **results):
    """A row that is done."""
    results = dict(
        dict(
            videos=dict(evaluated=9),
            list=dict(videos=9, fingerprint='f'),
            views='1x1',
            checkpoint=None,
            model={},
        ),
        **results,
    )
    return PlannedRow(row, Config(), '', Weights('pretrained'), (), results)


def test_mean_of_the_splits():
    """As published for Kinetics-600, and of what was measured."""
    rows = [
        planned(row, metrics={'zero_shot_video/full_top1': 0.7 + 0.01 * i})
        for i, row in enumerate(
            r for r in rows_of(shipped(), 'zero-shot') if 'k600' in r.name
        )
    ]
    means = means_of_splits(
        rows,
        [
            dict(
                views='1x1',
                figures=[compare(p.row.entry, p.row.figures[0], p.results['metrics'])],
            )
            for p in rows
        ],
    )
    (line,) = cells(means, [])[1:]
    assert line[0] == 'Kinetics-600, mean of 3 splits'
    assert line[4:8] == ['68.53 ± 1.23', '', '71.00 ± 0.82', '+2.47']


REMARKS = [
    (dict(checkpoint=dict(sha256='a')), []),
    (dict(checkpoint=dict(sha256='a'), views='4x3'), ['tested with the views 4x3']),
    (dict(), ['not trained: random weights']),
    (dict(model=dict(pretrained='openai')), ["not trained: CLIP's own weights"]),
]


def test_what_is_not_comparable():
    row = next(r for r in rows_of(shipped(), 'general') if r.views == '1x1')
    with collected() as check:
        for changes, remarks in REMARKS:
            with check(changes):
                assert (
                    remarks_of(planned(row, **changes), None, Settings('w')) == remarks
                )
