import numpy as np
import pytest
from mmaction.registry import DATASETS, TRANSFORMS
from mmengine.dataset import Compose

from bike_mmaction.errors import ListError, PipelineError
from tests.kit.videos import write_video


def read(video, **kwargs):
    """The frames of a segment, by the number that write_video drew in."""
    steps = [
        dict(type='VideoInit'),
        dict(type='KeepSegment'),
        dict(type='SparseSampleFrames', clip_len=4, test_mode=True),
        dict(type='VideoDecode'),
    ]
    return Compose([TRANSFORMS.build(step) for step in steps])(
        dict(filename=video, start_index=0, modality='RGB', **kwargs)
    )


def number(image):
    return round(24 * image[:6].mean() / 255)


def test_frames_of_the_segment(video):  # 24 frames, 25 a second
    results = read(video, segment=(0.32, 0.64))
    assert results['frame_inds'].tolist() == [8, 10, 12, 14]
    assert np.allclose(
        [number(image) for image in results['imgs']], [8, 10, 12, 14], atol=1
    )


@pytest.mark.parametrize(
    'segment,indices',
    [
        ((0.8, 9.0), [20, 21, 22, 23]),
        ((0.4, 0.401), [10, 10, 10, 10]),
        ((0.0, 0.16), [0, 1, 2, 3]),
    ],
)
def test_ends(video, segment, indices):
    assert read(video, segment=segment)['frame_inds'].tolist() == indices


def test_whole_video_without_segment(video):
    assert read(video)['frame_inds'].tolist() == [0, 6, 12, 18]


def test_behind_the_end(video):
    with pytest.raises(PipelineError, match=r'clip.mp4.*from 1.0 to 2.0 s'):
        read(video, segment=(1.0, 2.0))


def test_times_are_those_of_frames(tmp_path):
    """Although 1.16 * 25 is less than 29."""
    results = read(write_video(tmp_path / 'a.mp4', 40), segment=(1.16, 1.32))
    assert results['frame_inds'].tolist() == [29, 30, 31, 32]


def test_behind_the_end_is_unreadable(video):
    """A test loop goes on with the next video."""
    steps = [
        dict(type='VideoInit'),
        dict(type='KeepSegment'),
        dict(type='SparseSampleFrames', clip_len=4, test_mode=True),
    ]
    # in this process: the results still hold the open file
    report = TRANSFORMS.build(
        dict(type='ReportUnreadable', transforms=steps, time_limit=None)
    )
    known = dict(filename=video, start_index=0, modality='RGB')
    results = report(dict(known, segment=(1.0, 2.0)))
    assert results['inputs'] is None
    sample = results['data_samples']
    assert 'behind the end of the video (0.96 s)' in sample.unreadable
    assert not sample.missing and sample.filename == video
    assert len(report(dict(known, segment=(0.0, 1.0)))['frame_inds']) == 4


def segments(path, lines):
    path.write_text('\n'.join(lines) + '\n')
    return DATASETS.build(
        dict(
            type='VideoSegmentDataset',
            ann_file=str(path),
            data_prefix=dict(video='videos'),
            pipeline=[],
        )
    )


def test_list(tmp_path):
    dataset = segments(tmp_path / 'list.txt', ['a.mp4 0.00 3.50 4'])
    info = dataset.get_data_info(0)
    assert info['filename'] == 'videos/a.mp4'
    assert info['segment'] == (0, 3.5) and info['label'] == 4


@pytest.mark.parametrize(
    'line', ['a.mp4 1', 'a.mp4 2 1 0', 'a.mp4 -1 1 0', 'a.mp4 0 b 0']
)
def test_wrong_line(tmp_path, line):
    with pytest.raises(ValueError, match='list.txt.*line 2: expected .path'):
        segments(tmp_path / 'list.txt', ['a.mp4 0 1 0', line])


def test_lists_with_several_labels(tmp_path):
    """Or none; with tabs, as paths have spaces. Others are refused by line."""
    path = tmp_path / 'list.txt'
    config = dict(type='VideoSegmentDataset', ann_file=str(path), pipeline=[])
    config.update(multi_class=True, num_classes=3, delimiter='\t')
    path.write_text('a b.mp4\t0.5\t1.5\t0\t2\na b.mp4\t0\t1\n')
    dataset = DATASETS.build(dict(config, data_prefix=dict(video='x')))
    infos = [dataset.get_data_info(i) for i in range(2)]
    assert [info['label'].tolist() for info in infos] == [[1, 0, 1], [0, 0, 0]]
    assert infos[0]['filename'] == 'x/a b.mp4' and infos[1]['segment'] == (0, 1)
    path.write_text('a.mp4\t0\t1\t0\na.mp4\t1\t2\t3\n')
    with pytest.raises(ListError, match="list.txt' line 2: expected 'path start end"):
        DATASETS.build(config)
    path.write_text('a.mp4 0 1 0 2\n')
    with pytest.raises(ListError, match='line 1'):
        DATASETS.build(
            dict(type='VideoSegmentDataset', ann_file=str(path), pipeline=[])
        )


def test_named_frames(tmp_path):
    write_video(tmp_path / 'x.mp4')
    (tmp_path / 'list.txt').write_text('AB1 10 20 3\n')
    dataset = DATASETS.build(
        dict(
            type='NamedFrameDataset',
            ann_file=str(tmp_path / 'list.txt'),
            data_prefix=dict(img='frames'),
            filename_tmpl='{video}-{:06}.jpg',
            with_offset=True,
            pipeline=[],
        )
    )
    info = dataset.get_data_info(0)
    assert info['filename_tmpl'].format(7) == 'AB1-000007.jpg'
    assert (info['offset'], info['total_frames']) == (10, 20)
