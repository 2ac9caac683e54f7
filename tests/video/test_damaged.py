"""Broken files: what is there and how much is missing, or an error that says why."""

import os
import pickle
import random
import re
import shutil
import warnings

import av
import numpy as np
import pytest

from bike_mmaction.errors import PipelineError
from bike_mmaction.video import (
    DamagedVideoWarning,
    EmptyFileError,
    MissingVideoError,
    NoDecoderError,
    NoPermissionError,
    NotAFileError,
    NotAVideoError,
    NoVideoStreamError,
    VideoError,
    VideoReader,
)
from tests.kit.numbered import read_numbers, shorten, write_numbered
from tests.kit.video_kinds import WITH_B

OLD_FFMPEG = av.library_versions['libavcodec'][0] < 62  # that of PyAV 15


def read(path):
    """Numbers and times of all frames, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        with VideoReader(path) as video:
            numbers = read_numbers(video.frames(range(len(video))))
            times = video.timestamps
            damage = video.damage
    texts = [str(w.message) for w in caught if w.category is DamagedVideoWarning]
    assert bool(texts) == bool(damage)
    assert all(path in text for text in texts)
    return numbers, times, ' '.join(texts)


@pytest.fixture
def fast(tmp_path):
    """A file with its index in front, as web servers want it."""
    options = dict(movflags='faststart')
    return write_numbered(tmp_path / 'fast.mp4', container_options=options, **WITH_B)


def test_cut_off(fast):
    shorten(fast, 0.7)
    numbers, _, text = read(fast)
    assert numbers == list(range(len(numbers))) and 8 < len(numbers) < 55
    assert f'{60 - len(numbers)} of 60' in text and 'it is cut off: 1' in text


@pytest.mark.parametrize('name', ['h264.mkv', 'h264.flv', 'vp9.webm', 'fragments.mp4'])
def test_cut_off_without_index(files, tmp_path, name):
    """Of the rest, seconds or bytes are known to be missing."""
    path = shutil.copy(files[name], tmp_path / f'short{name}')
    shorten(path, 0.6)
    numbers, times, text = read(str(path))
    assert numbers == [round(t * 25) for t in times]  # at their own times
    assert 8 < len(numbers) < 55 and 'missing' in text


def test_nothing_of_it_is_left(files, tmp_path):
    for name, part in (
        ('h264.mp4', 'its index (moov) is missing'),
        ('h264.avi', 'it is cut off: '),
    ):
        path = shutil.copy(files[name], tmp_path)
        shorten(path, 0.5 if name == 'h264.avi' else 0.1)
        with pytest.raises(NotAVideoError) as error:
            VideoReader(path)
        assert part in str(error.value) and str(path) in str(error.value)


def broken_inside(source, path, share, length=200):
    """Copy a file, with noise in the middle."""
    with open(source, 'rb') as file:
        content = bytearray(file.read())
    begin = int(len(content) * share)
    rng = random.Random(0)
    content[begin : begin + length] = rng.randbytes(length)
    with open(path, 'wb') as file:
        file.write(content)
    return str(path)


def test_broken_inside(fast, tmp_path):
    """What can be decoded is right, and there is a warning of the rest."""
    path = broken_inside(fast, tmp_path / 'noise.mp4', 0.8, 100)
    numbers, times, text = read(path)
    expected = [round(t * 25) for t in times]
    assert numbers[:12] == expected[:12]
    assert 'frames cannot be read' in text


@pytest.mark.skipif(OLD_FFMPEG, reason='FFmpeg 7 decodes it without a complaint')
def test_a_frame_on_the_way_is_broken(fast):
    """Sparse frames, of which none is broken, but one that they refer to."""
    with av.open(fast) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        assert packets[12].is_keyframe and packets[13].pts > packets[14].pts
        place, size = packets[13].pos, packets[13].size
    with open(fast, 'r+b') as file:
        file.seek(place + 8)
        file.write(bytes(size - 8))
    video = VideoReader(fast)
    assert not video.damage
    with pytest.warns(DamagedVideoWarning, match='1 broken packets'):
        video.frames([14])
    with pytest.warns(DamagedVideoWarning, match='1 broken packets'):
        list(VideoReader(fast).iterate([14]))
    assert video.damage and read_numbers(video.frames([0, 40])) == [0, 40]


def test_lost_packets(files, tmp_path):
    path = broken_inside(files['h264.ts'], tmp_path / 'noise.ts', 0.6)
    numbers, times, text = read(path)
    right = [n == round(t * 25) for n, t in zip(numbers, times)]
    assert np.mean(right) > 0.9 and 'of 60' in text


@pytest.mark.parametrize(
    'place,value,said',
    [(12, 0xDC, 'its tables are damaged'), (17, 0xFF, 'frames cannot be read')],
)
def test_one_byte_of_the_times(files, tmp_path, place, value, said):
    """decord aborts the process, or reads for ever."""
    with open(files['h264.mp4'], 'rb') as file:
        content = bytearray(file.read())
    content[content.index(b'stts') + place] = value
    path = tmp_path / 'times.mp4'
    path.write_bytes(content)
    numbers, _, text = read(str(path))
    assert numbers[0] == 0 and said in text


def silence(path):
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('aac', rate=16000)
        samples = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, 'fltp', 'mono')
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def of_unknown_codec(files, path):
    with open(files['h264.mp4'], 'rb') as file:
        content = bytearray(file.read())
    place = content.rindex(b'avc1')
    content[place : place + 4] = b'zzzz'
    path.write_bytes(content)


def test_what_is_wrong(files, tmp_path, monkeypatch):
    """Each has an error of its own, at once, and none is called truncated."""
    (tmp_path / 'empty.mp4').touch()
    (tmp_path / 'text.mp4').write_text('no video ' * 100)
    os.mkfifo(tmp_path / 'pipe.mp4')
    silence(tmp_path / 'sound.mp4')
    of_unknown_codec(files, tmp_path / 'codec.mp4')
    shutil.copy(files['h264.mp4'], tmp_path / 'secret.mp4')
    real = os.access
    monkeypatch.setattr(  # root may read everything
        os, 'access', lambda path, mode: 'secret' not in str(path) and real(path, mode)
    )
    faults = []
    for name, kind, reason in (
        ('gone.mp4', MissingVideoError, 'no such file'),
        ('', NotAFileError, 'it is a folder'),
        ('pipe.mp4', NotAFileError, 'it is a pipe (FIFO)'),
        ('empty.mp4', EmptyFileError, '0 bytes'),
        ('secret.mp4', NoPermissionError, 'no permission'),
        ('text.mp4', NotAVideoError, 'it is no video'),
        ('sound.mp4', NoVideoStreamError, 'no video stream (audio)'),
        ('codec.mp4', NoDecoderError, 'no decoder'),
    ):
        path = str(tmp_path / name)
        try:
            VideoReader(path)
            faults.append(f'{name} was opened')
        except VideoError as error:
            text = str(error)
            good = type(error) is kind and isinstance(error, PipelineError)
            if not good or path not in text or reason not in text or 'trunc' in text:
                faults.append(f'{name}: {error!r}')
    assert not faults
    with pytest.raises(NotAFileError, match='an address of the network'):
        VideoReader('https://example.org/a.mp4')


def test_errors_come_back_from_other_processes():
    error = MissingVideoError('a.mp4', 'no such file')
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.reason == 'no such file'
    assert 'a.mp4' in str(MissingVideoError(f'Caught in worker: {error}'))


def test_tables_that_contradict(files, tmp_path):
    """Damage that hides frames, or makes a player look for the next ones."""
    texts = []
    for name, mark, place, value in (
        # counts no frames: an edit list hides half, which FFmpeg 7 does not tell
        *([] if OLD_FFMPEG else [('h264.mp4', b'stts', 15, 0)]),
        ('h264.mp4', b'stts', 18, 0),  # they take no time
        ('h264.mkv', rb'\xa3[\x80-\xff]\x81', 1, 0xC0),  # a block is too long
    ):
        with open(files[name], 'rb') as file:
            content = bytearray(file.read())
        content[[m.start() for m in re.finditer(mark, content)][-1] + place] = value
        path = tmp_path / name
        path.write_bytes(content)
        texts.append(read(str(path))[2])
    assert all(texts), texts


@pytest.mark.parametrize(
    'name,mark,place,content,said',
    [
        # A frame is shown far from when it is decoded.
        ('h264.mp4', b'ctts', 136, b'\xf7', 'broken packets'),
        ('h264.mp4', b'mvhd', 52, b'\xec', 'it tilts the pictures'),
        ('h264.mp4', b'mdhd', 16, b'\0\0\0\1', 'its clock and its edit list'),
        ('vp9.webm', b'\xba\x81', 2, b'\x31', 'pictures of 64x49 pixels'),
        # A block that belongs to no stream, or whose name is another one.
        ('vp9.webm', rb'\xa3[\x80-\xff]\x81', 2, b'\x89', 'broken packets'),
        ('vp9.webm', rb'\xa3[\x80-\xff]\x81', 0, b'\xab', 'broken packets'),
        # VP9 is shown in the order in which it is decoded.
        ('vp9.webm', rb'\xa3[\x80-\xff]\x81', 3, b'\x01\x01', 'broken packets'),
    ],
)
def test_a_header_or_table_that_is_false(
    files, tmp_path, name, mark, place, content, said
):
    """Other frames would be shown without a word."""
    with open(files[name], 'rb') as file:
        whole = bytearray(file.read())
    at = [match.start() for match in re.finditer(mark, bytes(whole), re.DOTALL)][-1]
    whole[at + place : at + place + len(content)] = content
    path = tmp_path / name
    path.write_bytes(whole)
    assert said in read(str(path))[2]


def test_a_decoder_that_refuses_whatever_follows(files, tmp_path):
    """FFmpeg's of VP9, even where it starts anew, after a packet such as this."""
    broken = bytes.fromhex('86004054176bf0a39b81055000860040929c004ee00003')
    path = str(tmp_path / 'broken.webm')
    with av.open(files['vp9.webm']) as old, av.open(path, 'w') as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(p for p in old.demux(video=0) if p.size):
            copy = av.Packet(broken if number == 20 else bytes(packet))
            copy.pts, copy.dts = packet.pts, packet.dts
            copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
            copy.stream = stream
            new.mux(copy)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DamagedVideoWarning)
        with VideoReader(path) as video:
            assert read_numbers(video.frames([0, 20, 24, 40])) == [0, 19, 24, 40]
            assert read_numbers(video.frames([0, 40])) == [0, 40] and video.damage
