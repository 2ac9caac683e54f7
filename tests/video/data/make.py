"""Writes the files beside it, which PyAV's encoders cannot: Debian 12's ffmpeg 5.1.

Usage: python tests/video/data/make.py
"""

import os
import os.path as osp
import subprocess

import av

from tests.kit.numbered import draw_number

FOLDER = osp.dirname(osp.abspath(__file__))
XVID = ['-c:v', 'libxvid', '-qscale:v', '4', '-g', '12']
# Packed: a packet has a P- and a B-frame, the next one is a placeholder.
KINDS = {
    'xvid_packed.avi': [*XVID, '-bf', '2'],
    'xvid_packed_divx.avi': [*XVID, '-bf', '1', '-vtag', 'DX50'],
    'xvid_plain.avi': [*XVID, '-bf', '0'],
    'theora.ogv': ['-c:v', 'libtheora', '-q:v', '8', '-g', '12'],
}


def without_gaps(draft: str, path: str) -> None:
    """Copy an AVI file, a packet in each slot of its time, as XviD writes it.

    ffmpeg leaves out slots at the beginning. Its last packet may begin a pair
    that has no end: it is left out.
    """
    with av.open(draft) as old, av.open(path, 'w') as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        packets = [packet for packet in old.demux(stream) if packet.size]
        if bytes(packets[-1]).count(b'\x00\x00\x01\xb6') > 1:
            packets.pop()
        for number, packet in enumerate(packets):
            packet.pts = packet.dts = number
            packet.stream = copy
            new.mux(packet)


def main() -> None:
    frames = b''.join(draw_number(i).tobytes() for i in range(60))
    source = '-f rawvideo -pix_fmt rgb24 -s 64x48 -r 25 -i -'.split()
    for name, options in KINDS.items():
        path = osp.join(FOLDER, name)
        draft = osp.join(FOLDER, f'draft-{name}')
        command = ['ffmpeg', '-v', 'error', '-y', *source, *options, draft]
        subprocess.run(command, input=frames, check=True)
        if name.endswith('.avi'):
            without_gaps(draft, path)
            os.remove(draft)
        else:
            os.replace(draft, path)


if __name__ == '__main__':
    main()
