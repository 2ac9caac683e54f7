"""Videos in pipelines: this project's transforms, and those of MMAction2."""

import gc
import os
import resource
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose

from bike_mmaction.apis.inference.pictures import _steady_frames
from bike_mmaction.apis.inference.sources import SourceReader, find_sources, windows_of
from bike_mmaction.video import VideoReader
from tests.kit.numbered import read_number, read_numbers
from tests.kit.video_kinds import KINDS


def steps(kind, **options):
    return [
        dict(type=f'{kind}Init', **options),
        dict(type='KeepSegment'),
        dict(type='SparseSampleFrames', clip_len=4, test_mode=True),
        dict(type=f'{kind}Decode'),
    ]


def run(path, kind='Video', segment=None, **options):
    results = dict(filename=path, start_index=0, modality='RGB')
    if segment:
        results['segment'] = segment
    pipeline = [TRANSFORMS.build(step) for step in steps(kind, **options)]
    return Compose(pipeline)(results)


def test_keys_are_those_of_mmaction2(files):
    """So that its transforms follow; the images are the same."""
    ours, theirs = (run(files['h264.mp4'], kind) for kind in ('Video', 'Decord'))
    assert set(ours) == set(theirs)
    for key in ('total_frames', 'avg_fps', 'original_shape', 'img_shape'):
        assert ours[key] == theirs[key], key
    assert type(ours['imgs']) is type(theirs['imgs'])
    np.testing.assert_array_equal(ours['imgs'], theirs['imgs'])
    assert ours['video_reader'] is theirs['video_reader'] is None


@pytest.mark.parametrize('kind', ['Decord', 'PyAV', 'OpenCV'])
def test_transforms_of_mmaction2_still_work(files, kind):
    """In segments, and in the inferencer, which reads exactly anyway."""
    results = run(files['h264.mp4'], kind, segment=(0.8, 1.6))
    assert read_numbers(results['imgs']) == [20, 25, 30, 35]
    pipeline = [
        *steps(kind)[:1],
        *steps(kind)[2:],
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs'),
    ]
    read = SourceReader(pipeline)
    (source,) = find_sources(files['h264.avi'], **read.options)
    window = windows_of(source, 0.4, 0.8)[1]
    inputs = read(window)['inputs'][0].permute(1, 2, 3, 0).numpy()
    assert [read_number(image) for image in inputs] == [20, 22, 25, 27]


def test_options(files):
    """From MMEngine's storage; a backend of the config."""
    path = files['h264_open.mp4']
    results = run(path, backend_args=dict(backend='local'))
    assert read_numbers(results['imgs']) == [0, 15, 30, 45]
    with pytest.raises(ValueError, match='choose from pyav, decord, torchcodec'):
        TRANSFORMS.build(dict(type='VideoInit', backend='vhs'))
    pipeline = [*steps('Video', backend='decord'), dict(type='PackActionInputs')]
    read = SourceReader(pipeline)
    (source,) = find_sources(path, **read.options)
    with pytest.raises(RuntimeError, match="'decord' cannot read it exactly"):
        read(source)


def test_name_without_extension(files, tmp_path):
    """MMAction2's lists may leave out .mp4; else the file is itself."""
    results = run(files['h264.mp4'][: -len('.mp4')])
    assert read_numbers(results['imgs']) == [0, 15, 30, 45]


def test_annotated_videos_play_at_the_right_speed():
    """Frame by frame at a constant rate, by the clock at another."""
    for name, most in (('h264.mp4', None), ('h264.mp4', 8), ('pauses.mp4', None)):
        times = np.array(KINDS[name].times)
        indices, fps = _steady_frames(times, most)
        shown = np.searchsorted(times, np.arange(len(indices)) / fps + 1e-6, 'right')
        assert list(indices) == (shown - 1).tolist(), name
        assert abs(len(indices) / fps - times[-1]) < 1 / fps, name
    assert list(_steady_frames(np.arange(61) / 25, None)[0]) == list(range(60))


def test_threads_share_a_reader(files):
    with VideoReader(files['h264_open.mp4']) as video:
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(video.frames, [i, 59 - i]) for i in range(60)]
            whole = [read_numbers(video.iterate()) for _ in range(2)]
        read = [read_numbers(job.result()) for job in jobs]
    assert read == [[i, 59 - i] for i in range(60)] and whole == [list(range(60))] * 2


def test_nothing_is_left_behind(files):
    """No open files, and no memory, however many videos are read."""
    names = ['h264.mp4', 'mpeg4_b.avi', 'h264.ts', 'cut_open.mp4']

    def read(times):
        for _ in range(times):
            for name in names:
                run(files[name])
        gc.collect()
        return len(os.listdir('/proc/self/fd'))

    handles = read(20)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read(60) == handles
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown < 8 << 10, f'{grown} KiB more'
