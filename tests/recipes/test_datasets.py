"""Another data set: its lists, folders, classes and metrics."""

import itertools

import pytest
from mmaction.registry import DATASETS

from bike_mmaction.datasets.catalog import CATALOG, find_dataset
from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.datasets.pipeline_access import SPLITS, own_dataset
from bike_mmaction.recipes import (
    leave_out_video,
    set_clip_len,
    use_attributes,
    use_dataset,
    use_rawframes,
    zero_shot,
)
from tests.kit.checks import collected
from tests.kit.configs import load_config, shrink


@pytest.mark.parametrize('frames', [False, True])
def test_activitynet_is_trained_on_segments(frames, roots, tmp_path):
    """Few-shot, too; tested on whole videos."""
    cfg = load_config('bike_vitl14_activitynet_5shot')
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    cfg.train_dataloader.dataset.update(shots=4, allow_fewer=True)
    if frames:
        use_rawframes(cfg)
    few = DATASETS.build(cfg.train_dataloader.dataset)
    drawn = [line.split() for line in few.chosen()]
    assert [x[-1] for x in drawn] == ['1'] * 4 + ['199'] * 4
    with open(few.dataset.ann_file) as file:
        listed = [[x[0], *map(float, x[1:])] for x in map(str.split, file)]
    assert len(listed) == 9
    assert all([x[0], *map(float, x[1:])] in listed for x in drawn)
    for i in range(8):
        info = few.get_data_info(i)
        first, last = info.get('segment', (1, info.get('total_frames')))
        frames_read = sampled(few.dataset, info)
        assert first - 1 < min(frames_read) < max(frames_read) <= last
        assert len(set(frames_read)) >= 4  # of 8, at one frame a second
    test = DATASETS.build(own_dataset(cfg, 'test'))
    assert len(test) == 4
    assert max(sampled(test, test.get_data_info(0))) > 16  # of 24


def sampled(dataset, info):
    """Numbers of the frames that a pipeline reads."""
    for step in dataset.pipeline.transforms:
        info = step(info)
        if 'frame_inds' in info:
            return info['frame_inds'].tolist()
    raise AssertionError('no step reads frames')


def test_frames_of_charades():
    """Segments begin at an offset, files are called after their video."""
    train = own_dataset(load_config('bike_vitl14_16f_charades'), 'train')
    assert [t.type for t in train.pipeline[:3]] == [
        'VideoInit',
        'KeepSegment',
        'SparseSampleFrames',
    ]
    cfg = load_config('bike_vitl14_16f_charades')
    use_rawframes(cfg)
    train, test = own_dataset(cfg, 'train'), own_dataset(cfg, 'test')
    assert train.type == test.type == 'NamedFrameDataset'
    assert train.with_offset and 'with_offset' not in test
    assert test.multi_class and test.num_classes == 157
    assert train.filename_tmpl == test.filename_tmpl == '{video}-{:06}.jpg'
    assert 'KeepSegment' not in [t.type for t in train.pipeline]


IMPOSSIBLE = [
    (lambda cfg: use_dataset(cfg, 'ucf'), "dataset 'ucf' is unknown"),
    (lambda cfg: use_dataset(cfg, 'ucf101'), 'splits of ucf101 are .1, 2, 3'),
    (lambda cfg: use_dataset(cfg, 'charades', 1), 'not numbered'),
    (lambda cfg: zero_shot(cfg, 'hmdb51', 1, 'both'), "evaluator='both'"),
    (lambda cfg: zero_shot(cfg, 'hmdb51', 4), 'splits of hmdb51 are .1, 2, 3'),
    (lambda cfg: zero_shot(cfg, 'kinetics600_zeroshot'), 'are .1, 2, 3'),
    (
        lambda cfg: use_rawframes(cfg) or use_dataset(cfg, 'charades'),
        'train_dataloader has a RawframeDataset.*use_rawframes last',
    ),
    (
        lambda cfg: use_rawframes(cfg) or zero_shot(cfg, 'ucf101'),
        'test_dataloader has a RawframeDataset.*use_rawframes last',
    ),
]


def test_impossible_configs():
    with collected() as check:
        for change, message in IMPOSSIBLE:
            with check(message), pytest.raises(ValueError, match=message):
                change(load_config('bike_vitl14_k400'))


def check_data_set(before, after):
    """A config of one data set is changed to that of another one."""
    cfg = load_config(before)
    name, _, split = after.partition('_split')
    use_dataset(cfg, name, int(split) if split else None)
    expected = load_config(f'bike_vitl14_16f_{after}')
    if 'shot' in before:
        drawing = cfg.train_dataloader.dataset
        assert drawing.num_classes == find_dataset(name).num_classes
        set_clip_len(cfg, 16)
    for split in SPLITS:
        assert own_dataset(cfg, split) == own_dataset(expected, split)
    assert cfg.test_evaluator == expected.test_evaluator


def test_nothing_is_left_of_the_data_set_before():
    before = (
        'bike_vitl14_16f_activitynet',
        'bike_vitl14_16f_charades',
        'bike_vitl14_activitynet_5shot',
    )
    after = ('ucf101_split1', 'hmdb51_split1', 'charades', 'activitynet')
    with collected() as check:
        for old, new in itertools.product(before, after):
            with check(f'{old} to {new}'):
                check_data_set(old, new)


def test_segments_beside_attributes():
    cfg = load_config('bike_vitb32_k400')
    use_attributes(cfg, dict(train='some.json'))
    use_dataset(cfg, 'activitynet')
    assert [t.type for t in own_dataset(cfg, 'train').pipeline[:3]] == [
        'LoadAttributes',
        'VideoInit',
        'KeepSegment',
    ]
    leave_out_video(cfg, ['train'])
    use_dataset(cfg, 'charades')
    assert [t.type for t in own_dataset(cfg, 'train').pipeline] == [
        'LoadAttributes',
        'PackActionInputs',
    ]


def test_charades_samples_from_the_segment(roots, tmp_path):
    cfg = load_config('bike_vitl14_16f_charades')
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    dataset = DATASETS.build(own_dataset(cfg, 'train'))
    steps = dataset.pipeline.transforms[:3]
    for i in range(len(dataset)):
        results = info = dataset.get_data_info(i)
        start, end = (25 * seconds for seconds in info['segment'])
        for step in steps:
            results = step(results)
        assert start - 1 < min(results['frame_inds'])
        assert max(results['frame_inds']) < min(end, 24)


def test_catalog_names_what_exists():
    with collected() as check:
        for name in CATALOG:
            info = find_dataset(name)
            for split in info.splits or (None,):
                source = info.classes(split)
                if name != 'kinetics600':  # of its official files
                    with check(source):
                        assert len(load_class_names(source)) == info.num_classes
