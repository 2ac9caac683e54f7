"""Files and uses that a careful reader must stand: nothing is silently wrong."""

import gc
import os
import shutil

import av
import numpy as np
import pytest

from bike_mmaction.video import (
    ChangedFileError,
    DamagedVideoError,
    NoDecoderError,
    NotAVideoError,
    VideoError,
    VideoReader,
)
from bike_mmaction.video.packets import PacketSource
from tests.kit.boxes import set_edits
from tests.kit.numbered import read_numbers, write_numbered
from tests.kit.tools import printed_by, run_python
from tests.kit.video_kinds import PLAIN, WITH_B

THREADS = """
import sys, threading
import numpy as np
from bike_mmaction.video import VideoReader

video = VideoReader(sys.argv[1])
images = list(video.iterate())
wrong = []

def read():
    for _ in range(8):
        wrong.extend(
            number for number, image in enumerate(video.iterate())
            if not np.array_equal(image, images[number])
        )

threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(wrong), 'wrong')
"""


def test_threads_at_the_same_time(tmp_path):
    """Colours were converted by all of them with one converter: a crash."""
    path = write_numbered(
        tmp_path / 'alpha.mov',
        codec='prores_ks',
        pix_fmt='yuva444p10le',
        options=dict(profile='4444'),
    )
    done = run_python('-c', THREADS, path)
    assert printed_by(done) == '0 wrong\n'


def test_a_fork(tmp_path, long_files):
    """It has the same place in the file as its parent: it opens it anew."""
    path = write_numbered(
        tmp_path / 'large.avi', codec='rawvideo', pix_fmt='bgr24', size=(160, 120)
    )
    with av.open(path) as container:
        source = PacketSource(path, container, container.streams.video[0])
        contents = [bytes(packet) for _, packet in source.read(0)]
        packets = source.read(0)
        first = bytes(next(packets)[1])
        child = os.fork()
        if not child:
            try:
                read = [bytes(packet) for _, packet in source.read(20)]
                os._exit(read != contents[20:])
            finally:
                os._exit(2)  # the other tests are not its to run
        _, status = os.waitpid(child, 0)
        assert [first, *(bytes(packet) for _, packet in packets)] == contents
        source.close()
    assert status == 0


@pytest.mark.parametrize('name', ['h264.mp4', 'h264.ts', 'mpeg1.mpg'])
def test_a_file_that_changes(files, tmp_path, name, long_files):
    """Its frames are no longer those that were counted."""
    other = shutil.copy(files['cut.mp4'], tmp_path / 'other')
    path = str(tmp_path / name)
    for change, reason in (
        (lambda: os.remove(path), 'it is gone'),
        (lambda: os.replace(shutil.copy(other, tmp_path / 'new'), path), 'it has'),
        (lambda: os.truncate(path, 3000), 'it has changed'),
    ):
        shutil.copy(files[name], path)
        with VideoReader(path) as video:
            video.frames([1])
            change()
            for read in (lambda: video.frames([5, 40]), lambda: [*video.iterate()]):
                with pytest.raises(ChangedFileError, match=reason):
                    read()


def test_what_else_is_wrong(files, tmp_path):
    """A playlist would be read from other files, or wait for ever."""
    target = f'#EXTINF:2.4,\n{files["h264.ts"]}\n'
    live = tmp_path / 'live.mp4'
    live.write_text(f'#EXTM3U\n#EXT-X-TARGETDURATION:3\n{target}')
    joined = tmp_path / 'joined.mp4'
    shutil.copy(files['h264.mp4'], tmp_path / 'part.mp4')
    joined.write_text('ffconcat version 1.0\nfile part.mp4\n')
    hidden = write_numbered(tmp_path / 'hidden.mp4', **PLAIN)
    set_edits(hidden, (900, 10))
    header = tmp_path / 'header.avi'
    with av.open(str(header), 'w') as container:
        stream = container.add_stream('mpeg4', rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        container.start_encoding()
    strange = write_numbered(
        tmp_path / 'strange.mp4', options={'x264-params': 'colormatrix=YCgCo'}
    )
    gc.disable()
    before, faults = len(os.listdir('/proc/self/fd')), []
    for path, kind, reason in (
        (live, NotAVideoError, 'a playlist'),
        (joined, NotAVideoError, 'a playlist'),
        (hidden, DamagedVideoError, 'its edit list shows none of its frames'),
        (header, DamagedVideoError, 'it has no frames'),
        (strange, NoDecoderError, 'its colours'),
    ):
        try:
            with VideoReader(path) as video:
                video.frames([0])
            faults.append(f'{path} was read')
        except VideoError as error:
            if type(error) is not kind or reason not in str(error):
                faults.append(f'{path}: {error!r}')
    after = len(os.listdir('/proc/self/fd'))
    gc.enable()
    assert not faults and after == before


def test_a_name_like_a_series(tmp_path):
    """FFmpeg would read the pictures 00, 01 ... in place of this one."""
    for name, number in (('a%02d.png', 9), ('a00.png', 3), ('a01.png', 4)):
        draw = write_picture(tmp_path / name, number)
        assert os.path.exists(draw)
    with VideoReader(tmp_path / 'a%02d.png') as video:
        assert read_numbers(video.frames(range(len(video)))) == [9]


def write_picture(path, number):
    from PIL import Image

    from tests.kit.numbered import draw_number

    Image.fromarray(draw_number(number)).save(path)
    return path


def test_joined_transmissions(tmp_path):
    """The clock of the second is behind that of the first one."""
    parts = []
    for offset in ('20', '0'):
        path = write_numbered(
            tmp_path / 'part.ts',
            30,
            container_options=dict(output_ts_offset=offset),
            **WITH_B,
        )
        with open(path, 'rb') as file:
            parts.append(file.read())
    path = tmp_path / 'joined.ts'
    path.write_bytes(b''.join(parts))
    with pytest.warns(match='broken packets'), VideoReader(path) as video:
        assert read_numbers(video.iterate()) == [*range(30), *range(30)]
        assert np.allclose(video.times, np.arange(61) / 25, atol=0.001)


@pytest.mark.parametrize('name', ['h264.mp4', 'mpeg1.mpg'])
def test_a_closed_reader(files, name):
    video = VideoReader(files[name])
    images = video.iterate()
    next(images)
    video.close()
    for read in (lambda: video.frames([0]), lambda: next(images), lambda: video[1]):
        with pytest.raises(ValueError, match='is closed'):
            read()
