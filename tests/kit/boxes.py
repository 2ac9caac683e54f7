"""Changing the tables of a MP4 file, as other programs write them."""

import struct

_PARENTS = (b'moov', b'trak', b'mdia', b'minf', b'stbl', b'edts')
TABLES = (b'moov', b'trak', b'mdia', b'minf', b'stbl')


def change(path, change_boxes):
    """Read a file, change its boxes and write it, its header at the end.

    Args:
        path (str): The file, changed in place.
        change_boxes (Callable): Takes a list of [name, content], where the
            content of some is such a list again, and changes it.
    """
    with open(path, 'rb') as file:
        boxes = _read(file.read())
    assert boxes[-1][0] == b'moov'  # else the frames would change their place
    change_boxes(boxes)
    with open(path, 'wb') as file:
        file.write(_written(boxes))


def inside(boxes, *names):
    """The list of boxes inside of the first box of these names."""
    for name in names:
        boxes = next(content for kind, content in boxes if kind == name)
    return boxes


def drop_keys(path):
    """Take away the table of keyframes: then each frame is called one."""

    def change_boxes(boxes):
        tables = inside(boxes, *TABLES)
        tables[:] = [box for box in tables if box[0] != b'stss']

    change(path, change_boxes)


def set_edits(path, *edits):
    """Set which parts of a file a player shows.

    Args:
        path (str): The file, of 25 frames a second, changed in place.
        edits (tuple[int, int]): Of each part its first frame and how many.
    """

    def change_boxes(boxes):
        track = inside(boxes, b'moov', b'trak')
        old = inside(track, b'edts', b'elst')
        start = int.from_bytes(old[12:16], 'big')
        header = inside(track, b'mdia', b'mdhd')
        step = int.from_bytes(header[12:16], 'big') // 25
        entries = [
            struct.pack('>IiI', 40 * count, start + first * step, 1 << 16)
            for first, count in edits
        ]
        content = struct.pack('>II', 0, len(edits)) + b''.join(entries)
        inside(track, b'edts')[0][1] = content
        header = next(box for box in track if box[0] == b'tkhd')
        length = struct.pack('>I', 40 * sum(count for _, count in edits))
        header[1] = header[1][:20] + length + header[1][24:]

    change(path, change_boxes)


def _read(content):
    boxes, place = [], 0
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], 'big')
        name, inner = (
            content[place + 4 : place + 8],
            content[place + 8 : place + length],
        )
        boxes.append([name, _read(inner) if name in _PARENTS else inner])
        place += length
    return boxes


def _written(boxes):
    contents = [
        (name, _written(content) if isinstance(content, list) else content)
        for name, content in boxes
    ]
    return b''.join(
        struct.pack('>I', len(content) + 8) + name + content
        for name, content in contents
    )
