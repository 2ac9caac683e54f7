"""Every kind of video file that is read, each written in a moment.

Encoders of PyAV write them, but for those of ``tests/video/data``.
"""

import os
import os.path as osp
from dataclasses import dataclass, field
from functools import partial
from typing import Callable, Optional

import av
import numpy as np

from . import ROOT
from .boxes import drop_keys, set_edits
from .numbered import cut_without_encoding, draw_number, turn, write_numbered

DATA = osp.join(ROOT, 'tests/video/data')
COUNT, RATE = 60, 25
PACE = 'keyint=12:min-keyint=12:scenecut=0'


@dataclass
class Kind:
    """A kind of file.

    Attributes:
        name (str): Of the file.
        write (Callable): Takes its path.
        numbers (list[int]): That a player shows, in this order.
        times (list[float]): When, in seconds; the end of the last one too.
        size (tuple[int, int]): Width and height.
    """

    name: str
    write: Callable[[str], object]
    numbers: list[int] = field(default_factory=lambda: list(range(COUNT)))
    times: Optional[list[float]] = None
    size: tuple[int, int] = (64, 48)

    def __post_init__(self):
        if self.times is None:
            self.times = [i / RATE for i in range(len(self.numbers) + 1)]


def encoded(name, size=(64, 48), real_times=None, **options):
    """A kind that one call of an encoder writes."""
    write = partial(write_numbered, size=size, **options)
    return Kind(name, write, times=real_times, size=size)


def x264(frames, more=''):
    return dict(options={'x264-params': f'{PACE}:{frames}{more}'})


def x265(more):
    params = f'{PACE}:bframes=3:b-adapt=0:{more}:log-level=none'
    return dict(codec='libx265', options={'x265-params': params})


def gop(codec, **options):
    return dict(codec=codec, options=dict(g='12', **options))


PLAIN = x264('bframes=0')
WITH_B = x264('bframes=3:b-adapt=0:b-pyramid=normal')
OPEN = x264('bframes=3:b-adapt=0:open-gop=1')
CLOSED_265, OPEN_265 = x265('open-gop=0'), x265('open-gop=1')
# A pause after every seventh frame, as in a recording of a screen.
PAUSES = [int(20 * i + 180 * ((i + 6) // 7)) for i in range(COUNT)]
PAUSED = [t / 1000 for t in [*PAUSES, PAUSES[-1] + 20]]


def cut(first, **options):
    """Writes a clip that was cut without encoding it anew."""

    def write(path):
        whole = f'{path}.whole.mp4'
        write_numbered(whole, **options)
        cut_without_encoding(whole, path, first)
        os.remove(whole)

    return write


def turned(degrees):
    """Writes a file whose pictures a player turns, clockwise."""

    def write(path):
        write_numbered(path, draw=partial(draw_turned, degrees), **WITH_B)
        turn(path, degrees)

    return write


def draw_turned(degrees, number, size):
    """What a camera stores that is held askew."""
    width, height = size if degrees == 180 else size[::-1]
    image = draw_number(number, (width, height))
    return np.ascontiguousarray(np.rot90(image, degrees // 90))


def without_keys(codec):
    """Writes a file that calls each frame a keyframe."""

    def write(path):
        write_numbered(path, **gop(codec, bf='2'))
        drop_keys(path)

    return write


def edited(*edits):
    """Writes a file of which a player shows some parts."""

    def write(path):
        write_numbered(path, **PLAIN)
        set_edits(path, *edits)

    return write


def with_sound(path):
    """A file whose sound begins 0.4 s before its pictures."""
    silent = f'{path}.silent.mp4'
    write_numbered(silent, **WITH_B)
    with av.open(silent) as old, av.open(path, 'w') as new:
        pictures = new.add_stream_from_template(old.streams.video[0])
        codec, samples = 'aac', np.zeros((1, 1024), np.float32)
        if path.endswith('.mkv'):  # where AAC begins before the start
            codec, samples = 'pcm_s16le', np.zeros((1, 1024), np.int16)
        sound = new.add_stream(codec, rate=16000)
        kind = 'fltp' if codec == 'aac' else 's16'
        for number in range(40):
            frame = av.AudioFrame.from_ndarray(samples, kind, 'mono')
            frame.sample_rate, frame.pts = 16000, 1024 * number
            new.mux(sound.encode(frame))
        new.mux(sound.encode())
        for packet in old.demux(video=0):
            if packet.size:
                shift = int(0.4 / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = pictures
                new.mux(packet)
    os.remove(silent)


def packed_elsewhere(path):
    """Packed MPEG-4 of an AVI file, copied as it is into another container."""
    with av.open(osp.join(DATA, 'xvid_packed.avi')) as old, av.open(path, 'w') as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        packets = [packet for packet in old.demux(video=0) if packet.size]
        for number, packet in enumerate(packets):
            packet.pts = packet.dts = number
            packet.stream = copy
            new.mux(packet)


def tuned_in(path):
    """A recording of TV that begins between two keyframes."""
    write_numbered(path, **WITH_B)
    with open(path, 'rb') as file:
        content = file.read()
    with open(path, 'wb') as file:
        file.write(content[188 * 12 :])


def of_two_sizes(path):
    """A stream that changes its size, as TV does."""
    parts = []
    for size in ((64, 48), (96, 48)):
        write_numbered(path, size=size, **WITH_B)
        with open(path, 'rb') as file:
            parts.append(file.read())
    with open(path, 'wb') as file:
        file.write(b''.join(parts))


def copied(name, numbers):
    def write(path):
        with open(osp.join(DATA, name), 'rb') as old, open(path, 'wb') as new:
            new.write(old.read())

    return Kind(name, write, list(range(numbers)))


KINDS = {
    kind.name: kind
    for kind in (
        encoded('h264.mp4', **WITH_B),
        encoded('h264.mkv', **WITH_B),
        encoded('h264.avi', **PLAIN),
        encoded('h264_b.avi', **WITH_B),
        encoded('h264_open.mp4', **OPEN),
        encoded('h264_open.mkv', **OPEN),
        encoded('hevc.mp4', **CLOSED_265),
        encoded('hevc_open.mp4', **OPEN_265),
        encoded('hevc_open.mkv', **OPEN_265),
        encoded('refresh.mp4', **x264('bframes=0', ':intra-refresh=1')),
        encoded('ten_bits.mp4', pix_fmt='yuv420p10le', **WITH_B),
        encoded(
            'fragments.mp4',
            container_options=dict(movflags='frag_keyframe+empty_moov'),
            **WITH_B,
        ),
        encoded('h264.flv', **WITH_B),
        encoded('h264.nut', **WITH_B),
        encoded('mpeg4.mp4', **gop('mpeg4')),
        encoded('mpeg4_b.mp4', **gop('mpeg4', bf='2')),
        encoded('mpeg4_b.avi', **gop('mpeg4', bf='2')),
        encoded('h264.ts', **WITH_B),
        encoded('h264_open.ts', **OPEN),
        encoded('hevc_open.ts', **OPEN_265),
        encoded('mpeg2.ts', **gop('mpeg2video', bf='2')),
        encoded('mpeg1.mpg', **gop('mpeg1video', bf='2')),
        encoded('mpeg2.vob', **gop('mpeg2video', bf='2')),
        encoded('mpeg2.mxf', **gop('mpeg2video', bf='2')),
        encoded('pauses.mp4', times=PAUSES, real_times=PAUSED, **WITH_B),
        encoded('pauses.mkv', times=PAUSES, real_times=PAUSED, **WITH_B),
        encoded('pauses.ts', times=PAUSES, real_times=PAUSED, **WITH_B),
        encoded('late.mkv', container_options=dict(output_ts_offset='10'), **WITH_B),
        encoded('vp8.webm', **gop('libvpx', **{'auto-alt-ref': '1'}, b='1M')),
        encoded('vp9.webm', **gop('libvpx-vp9', **{'cpu-used': '8'})),
        encoded(
            'browser.webm',
            container_options=dict(live='1'),
            **gop('libvpx', deadline='realtime'),
        ),
        encoded(
            'av1.mp4', codec='libsvtav1', options=dict(preset='8', crf='10', g='12')
        ),
        encoded('raw.h264', container_format='h264', **WITH_B),
        encoded('raw.hevc', container_format='hevc', **CLOSED_265),
        encoded('anim.gif', codec='gif', pix_fmt='rgb8'),
        encoded('anim.png', codec='apng', pix_fmt='rgb24', container_format='apng'),
        encoded('w16.mp4', size=(16, 48), **PLAIN),
        encoded('w24.mp4', size=(24, 48), **PLAIN),
        encoded('w72.mp4', size=(72, 48), **PLAIN),
        encoded('flv1.flv', **gop('flv1')),
        encoded('wmv2.wmv', **gop('wmv2')),
        encoded('msmpeg4.asf', **gop('msmpeg4v3')),
        encoded('h263.3gp', codec='h263', size=(176, 144)),
        encoded('mjpeg.avi', codec='mjpeg', pix_fmt='yuvj420p'),
        encoded('prores.mov', codec='prores_ks', pix_fmt='yuv422p10le'),
        encoded('ffv1.mkv', codec='ffv1'),
        encoded('a:b.mp4', **WITH_B),
        Kind('cut.mp4', cut(17, **WITH_B), list(range(17, COUNT))),
        Kind('cut_open.mp4', cut(17, **OPEN), list(range(17, COUNT))),
        Kind('cut_hevc.mp4', cut(13, **OPEN_265), list(range(13, COUNT))),
        Kind('cut.mkv', cut(17, **WITH_B), list(range(12, COUNT))),
        Kind('cut_end.mp4', edited((3, 50)), list(range(3, 53))),
        Kind(
            'cut_thrice.mp4',
            edited((3, 7), (12, 23), (44, 11)),
            [*range(3, 10), *range(12, 35), *range(44, 55)],
        ),
        Kind('all_keys.mp4', without_keys('mpeg4')),
        Kind('turned_90.mp4', turned(90), size=(48, 64)),
        Kind('turned_180.mp4', turned(180)),
        Kind('turned_270.mp4', turned(270), size=(48, 64)),
        Kind(
            'sound_first.mkv',
            with_sound,
            times=[0.4 + i / RATE for i in range(COUNT + 1)],
        ),
        Kind(
            'sound_first.mp4',
            with_sound,
            times=[0.4 + i / RATE for i in range(COUNT + 1)],
        ),
        Kind(
            'tuned_in.ts',
            tuned_in,
            list(range(12, COUNT)),
            times=[0.44 + i / RATE for i in range(COUNT - 11)],
        ),
        Kind('two_sizes.ts', of_two_sizes, [*range(COUNT), *range(COUNT)]),
        encoded('layers.mp4', **x265('temporal-layers=3')),
        encoded('colours.mp4', pix_fmt='yuv444p', **PLAIN),
        encoded('alpha.webm', codec='libvpx-vp9', pix_fmt='yuva420p'),
        encoded('odd.webm', codec='libvpx-vp9', size=(65, 49)),
        encoded('raw.avi', codec='rawvideo', pix_fmt='bgr24'),
        Kind('packed.mkv', packed_elsewhere, list(range(57))),
        Kind('packed.mp4', packed_elsewhere, list(range(57))),
        copied('xvid_plain.avi', 60),
        copied('xvid_packed.avi', 57),
        copied('xvid_packed_divx.avi', 59),
        copied('theora.ogv', 60),
    )
}


def write_kinds(folder):
    """Write all of them; a dictionary of their paths."""
    os.environ['SVT_LOG'] = '0'  # its encoder is talkative
    paths = {}
    for name, kind in KINDS.items():
        paths[name] = str(folder / name)
        kind.write(paths[name])
    return paths
