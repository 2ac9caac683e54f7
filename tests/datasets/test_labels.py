"""Labels of a whole data set are compared with the model's classes."""

import pytest
from mmaction.registry import DATASETS
from mmengine.runner import Runner

from bike_mmaction.datasets.labels import check_labels
from tests.kit.checks import collected

LINES = ['a.mp4 0', 'b.mp4 2', 'c.mp4 1', 'd.mp4 2']


@pytest.fixture
def write(tmp_path):
    """The config of a data set with these lines."""

    def config(lines, **kwargs):
        path = tmp_path / 'list.txt'
        path.write_text('\n'.join(lines) + '\n')
        return dict(
            dict(type='VideoDataset', ann_file=str(path), pipeline=[]), **kwargs
        )

    return config


WRAPPERS = [
    lambda x: x,
    lambda x: dict(type='RepeatDataset', dataset=x, times=3),
    lambda x: dict(type='FewShotDataset', dataset=x, shots=1),
    lambda x: dict(type='ConcatDataset', datasets=[dict(x), dict(x)]),
    lambda x: dict(
        type='RepeatDataset', dataset=dict(type='ConcatDataset', datasets=[x]), times=2
    ),
]


def test_out_of_range(write):
    with collected() as check:
        for wrap in WRAPPERS:
            with check(wrap):
                dataset = DATASETS.build(wrap(write(LINES)))
                check_labels(dataset, 3)
                with pytest.raises(
                    ValueError,
                    match=r"list.txt': label 2 of '.*[bd].mp4' .entry \d. is out of "
                    'range: the model knows 2 classes, .*0 to 1; . of',
                ):
                    check_labels(dataset, 2)


KINDS = [
    (['a 0.0 1.0 0', 'b 0.0 2.5 2'], dict(type='VideoSegmentDataset')),
    (['a 24 0', 'b 24 2'], dict(type='RawframeDataset')),
    (['a 3 24 0', 'b 3 24 2'], dict(type='RawframeDataset', with_offset=True)),
    (
        ['a 24 0', 'b 24 2'],
        dict(type='NamedFrameDataset', filename_tmpl='{video}-{:06}.jpg'),
    ),
    (['a,0', 'b,2'], dict(delimiter=',')),
]


def test_of_any_kind(write):
    with collected() as check:
        for lines, kwargs in KINDS:
            with check((lines, kwargs)):
                dataset = DATASETS.build(write(lines, **kwargs))
                check_labels(dataset, 3)
                with pytest.raises(
                    ValueError, match="label 2 of '.*b' .entry 2. is out"
                ):
                    check_labels(dataset, 2)


def test_negative(write):
    with pytest.raises(ValueError, match='label -3 of .*is out of range'):
        check_labels(DATASETS.build(write(['a.mp4 -3'])), 3)


def test_absent(write):
    dataset = DATASETS.build(write(['a.mp4 1', 'b.mp4', 'c.mp4 -1']))
    with pytest.raises(
        ValueError,
        match="2 of 3 videos in '.*list.txt' have no label, such as "
        "'.*b.mp4': .*, or ask",
    ):
        check_labels(dataset, 3, hint=', or ask')
    check_labels(dataset, 3, required=False)


def test_several_labels(write):
    """A video may have none of them."""
    options = dict(multi_class=True, num_classes=3)
    dataset = DATASETS.build(write(['a.mp4 0 2', 'b.mp4'], **options))
    check_labels(dataset, 3)
    with pytest.raises(
        ValueError, match='list.txt.* are of 3 classes.* knows 4: set num'
    ):
        check_labels(dataset, 4)
    with pytest.raises(ValueError, match="1 of 2 videos.*'.*b.mp4'"):
        check_labels(dataset, 3, negatives=False)
    only = DATASETS.build(write(['b.mp4'], **options))
    with pytest.raises(ValueError, match='1 of 1 videos'):
        check_labels(only, 3)


def test_part_of_a_data_set(write):
    """What mmengine makes of ``num_batch_per_epoch``."""
    loader = dict(
        dataset=write(LINES),
        batch_size=1,
        num_batch_per_epoch=2,
        sampler=dict(type='DefaultSampler'),
    )
    dataset = Runner.build_dataloader(loader).dataset
    assert len(dataset) == 2
    with pytest.raises(ValueError, match='label 2'):
        check_labels(dataset, 2)
