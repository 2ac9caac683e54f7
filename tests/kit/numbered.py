"""Videos of many kinds whose frames show their own numbers."""

import os
from fractions import Fraction

import av
import numpy as np

ROWS, COLUMNS = 3, 4
BITS = 7  # of the number; 3 more check them


def draw_number(number, size=(64, 48)):
    """A frame: large black and white cells, which no codec blurs away.

    The first cell is white and the last one black, so that a turned frame
    shows no number.

    Args:
        number (int): From 0 to 127.
        size (tuple[int]): Width and height in pixels.

    Returns:
        np.ndarray: Image [H, W, 3], uint8.
    """
    code = number << 3 | _check_of(number)
    bits = [1, *(code >> place & 1 for place in range(BITS + 3)), 0]
    cells = np.array(bits, np.uint8).reshape(ROWS, COLUMNS) * 255
    width, height = size
    rows = np.arange(height) * ROWS // height
    columns = np.arange(width) * COLUMNS // width
    return np.repeat(cells[rows][:, columns, None], 3, axis=2)


def read_number(image):
    """The number of a frame; -1 if it shows none.

    Args:
        image (np.ndarray): [H, W, 3].
    """
    height, width = image.shape[:2]
    bits = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            cell = image[
                _inner(row, ROWS, height), _inner(column, COLUMNS, width)
            ].mean()
            if 90 < cell < 165:  # neither black nor white
                return -1
            bits.append(int(cell > 127))
    code = sum(bit << place for place, bit in enumerate(bits[1:-1]))
    number = code >> 3
    good = bits[0] == 1 and bits[-1] == 0 and code & 7 == _check_of(number)
    return number if good else -1


def read_numbers(images):
    """The numbers of frames, as a list."""
    return [read_number(image) for image in images]


def _check_of(number):
    return (number * 5 + (number >> 3) + 3) & 7


def _inner(place, count, pixels):
    """The middle of a cell."""
    begin, end = place * pixels // count, (place + 1) * pixels // count
    margin = (end - begin) // 4
    return slice(begin + margin, max(end - margin, begin + margin + 1))


# long: one step of writing after the other
def write_numbered(
    path,
    count=60,
    codec='libx264',
    size=(64, 48),
    pix_fmt='yuv420p',
    rate=25,
    times=None,
    options=None,
    container_options=None,
    container_format=None,
    draw=draw_number,
):
    """Encode the frames 0, 1, 2 ...

    Args:
        path (str | Path): The file.
        count (int): Number of frames.
        codec (str): Name of the encoder.
        size (tuple[int]): Width and height in pixels.
        pix_fmt (str): Format of the pixels.
        rate (int): Frames a second.
        times (list[int], optional): Of each frame in milliseconds, for a
            variable rate.
        options (dict, optional): Of the encoder.
        container_options (dict, optional): Of the container.
        container_format (str, optional): Where the name does not tell.
        draw (Callable): Makes an image of a number and a size.

    Returns:
        str: The path.
    """
    with av.open(
        str(path), 'w', container_format, options=container_options or {}
    ) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(draw(number, size), 'rgb24')
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)


def cut_without_encoding(source, path, first, container_format=None):
    """Copy what frame number ``first`` and later ones need.

    What comes before ``first`` is hidden by an edit list, as cameras and
    cutting programs do.

    Args:
        source (str): A file of :func:`write_numbered`.
        path (str | Path): The file to write.
        first (int): The first frame to be shown.
        container_format (str, optional): Where the name does not tell.
    """
    with av.open(source) as old, av.open(str(path), 'w', container_format) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        packets = [p for p in old.demux(stream) if p.size]
        start = sorted(p.pts for p in packets)[first]
        keys = [i for i, p in enumerate(packets) if p.is_keyframe and p.pts <= start]
        for packet in packets[keys[-1] :]:
            packet.pts -= start
            packet.dts -= start
            packet.stream = copy
            new.mux(packet)
    return str(path)


def turn(path, degrees):
    """Say in a MP4 file that a player shall turn it, clockwise.

    Args:
        path (str): The file, changed in place.
        degrees (int): 90, 180 or 270.
    """
    one = 1 << 16
    matrix = {
        90: (0, one, 0, -one, 0, 0, 0, 0, 1 << 30),
        180: (-one, 0, 0, 0, -one, 0, 0, 0, 1 << 30),
        270: (0, -one, 0, one, 0, 0, 0, 0, 1 << 30),
    }[degrees]
    with open(path, 'r+b') as file:
        content = bytearray(file.read())
        place = content.index(b'tkhd') + 4 + 40  # of version 0
        content[place : place + 36] = b''.join(
            value.to_bytes(4, 'big', signed=True) for value in matrix
        )
        file.seek(0)
        file.write(content)


def shorten(path, share):
    """Keep the first part of a file."""
    os.truncate(path, int(os.path.getsize(path) * share))
