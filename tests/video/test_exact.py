"""The shipped pipelines give the frames that a player shows, of any file."""

import os.path as osp
from bisect import bisect_right

import av
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose

from bike_mmaction.apis.inference.sources import SourceReader, find_sources, windows_of
from bike_mmaction.video import VideoReader
from bike_mmaction.video.decoding import runs_for
from bike_mmaction.video.order import Order
from bike_mmaction.video.pyav_backend import PyAVBackend
from tests.kit.configs import load_config
from tests.kit.numbered import draw_number, read_number, read_numbers, write_numbered
from tests.kit.video_kinds import KINDS

SEGMENTS = ((0.0, 0.2), (0.5, 1.3), (1.31, 1.32), (0.9, 99.0))


def shipped(split, **sampling):
    """The steps of a shipped config up to decoding, with ``KeepSegment``."""
    cfg = load_config('bike_vitb32_k400')
    steps = [dict(step) for step in cfg[f'{split}_pipeline'][:3]]
    assert [step['type'] for step in steps] == [
        'VideoInit',
        'SparseSampleFrames',
        'VideoDecode',
    ]
    steps[1].update(sampling)
    steps.insert(1, dict(type='KeepSegment'))
    return Compose([TRANSFORMS.build(step) for step in steps])


@pytest.fixture(scope='module')
def pipelines(registered):
    """By what they sample; that of windows makes inputs of them."""
    windows = [
        dict(type='VideoInit'),
        dict(type='SparseSampleFrames', clip_len=4, test_mode=True),
        dict(type='VideoDecode'),
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs'),
    ]
    return {
        'train': shipped('train'),
        '1 clip': shipped('test'),
        '4 clips': shipped('test', num_clips=4),
    }, SourceReader(windows)


def first_and_last(kind, segment):
    """Numbers of the frames that a player shows from a moment to another."""
    times = kind.times
    first, last = (bisect_right(times, t + 1e-4) - 1 for t in segment)
    first = max(first, 0)
    return first, min(max(last, first + 1), len(kind.numbers))


def faults_of(kind, path, pipelines, read_window):
    """What is wrong with each way of reading a file."""
    faults = []
    known = dict(filename=path, start_index=0, modality='RGB')
    for name, pipeline in pipelines.items():
        results = pipeline(dict(known))
        read = read_numbers(results['imgs'])
        expected = [kind.numbers[i] for i in results['frame_inds']]
        if read != expected or results['img_shape'] != kind.size[::-1]:
            faults.append((name, expected, read, results['img_shape']))
    for segment in SEGMENTS:
        results = pipelines['1 clip'](dict(known, segment=segment))
        first, last = first_and_last(kind, segment)
        expected = [first + i * (last - first) // 8 for i in range(8)]
        read = read_numbers(results['imgs'])
        if read != [kind.numbers[i] for i in expected]:
            faults.append((segment, expected, read))
    (source,) = find_sources(path)
    for window in windows_of(source, 0.8, 0.5):
        inputs = read_window(window)['inputs']  # [1, 3, T, H, W]
        read = [read_number(i) for i in inputs[0].permute(1, 2, 3, 0).numpy()]
        first, last = first_and_last(kind, window.segment)
        expected = [first + i * (last - first) // 4 for i in range(4)]
        if read != [kind.numbers[i] for i in expected]:
            faults.append((window.segment, expected, read))
    if abs(window.segment[1] - kind.times[-1]) > 0.03:
        faults.append(('end', kind.times[-1], window.segment))
    return faults


@pytest.mark.parametrize('name', KINDS)
def test_shipped_pipelines(files, name, pipelines):
    assert not faults_of(KINDS[name], files[name], *pipelines)


@pytest.mark.skipif(
    not hasattr(av.stream.Stream, 'index_entries'), reason='PyAV reads no indices'
)
def test_a_part_of_a_long_file(tmp_path, long_files):
    """Opening it, and single frames, read a small part of it."""
    noise = dict(crf='1', g='4')

    def draw(number, size):
        image = np.random.RandomState(number).randint(0, 255, (*size[::-1], 3))
        image[:48, :64] = draw_number(number)
        return image.astype(np.uint8)

    path = write_numbered(
        tmp_path / 'long.mp4', 120, size=(160, 120), options=noise, draw=draw
    )
    before = bytes_read()
    with VideoReader(path) as video:
        images = video.frames([50, 51])
    assert bytes_read() - before < osp.getsize(path) / 2
    assert read_numbers(images[:, :48, :64]) == [50, 51]


def bytes_read():
    with open('/proc/self/io', encoding='utf-8') as file:
        return int(file.readline().split()[1])


@pytest.mark.parametrize('name', KINDS)
def test_reader(files, name, long_files, monkeypatch):
    """Single frames, some and all, of a file too long to keep it.

    Found where they are expected: a second look would take its time.
    """
    monkeypatch.setattr(PyAVBackend, '_read_anyhow', None)
    kind = KINDS[name]
    with VideoReader(files[name]) as video:
        assert len(video) == len(kind.numbers) and not video.damage
        assert np.allclose(video.timestamps, kind.times[:-1], atol=0.0011)
        assert abs(video.duration - kind.times[-1]) < 0.03  # often guessed
        assert video.size == kind.size
        total, rng = len(video), np.random.RandomState(0)
        choices = [[i] for i in range(0, total, 5)]
        choices += [sorted(rng.randint(0, total, 8)) for _ in range(5)]
        choices += [[total - 1, 0, 3, 3, -1], range(total)]
        wrong = {}
        for indices in choices:
            read = read_numbers(video.frames(indices))
            if read != [kind.numbers[i] for i in indices]:
                wrong[str(list(indices))] = read
        assert not wrong
        assert read_numbers(video.iterate()) == kind.numbers
        moments = [kind.times[i] + 0.004 for i in range(0, total, 7)]
        assert read_numbers(video.at(moments)) == kind.numbers[::7]


def test_where_to_start():
    """Packets I0 P1 I4 B2 B3 P5 I6: what is shown before I4 needs I0."""
    order = Order([0, 1, 3, 4, 2, 5, 6], [0, 1, 4, 2, 3, 5, 6], [0, 2, 6])
    assert [order.start_for(n) for n in range(7)] == [0, 0, 2, 0, 0, 2, 6]
    assert [order.start_for(n, back=1) for n in (3, 5, 6)] == [0, 0, 2]
    assert order.refers_back() and not Order([0, 1], [0, 1], [0]).refers_back()
    assert runs_for(order, [5, 1, 6]) == [(0, [1, 5, 6])]  # no gap to leave out
    assert runs_for(order, [2, 3, 6]) == [(0, [2, 3]), (6, [6])]


def test_a_name_like_an_address(files, monkeypatch):
    """FFmpeg would take ``a`` for a protocol."""
    monkeypatch.chdir(osp.dirname(files['a:b.mp4']))
    with VideoReader('a:b.mp4') as video:
        assert read_numbers(video.frames([7, 40])) == [7, 40]
