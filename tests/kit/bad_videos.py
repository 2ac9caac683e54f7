"""Small real videos that are bad in the usual ways, among good ones."""

import os

from tests.kit.lists import write_text
from tests.kit.videos import write_video

# What a message says of each; nothing can be read of them.
UNREADABLE = dict(
    empty='the file is empty (0 bytes)',
    cut='its index (moov) is missing',
    pipe='it is a pipe (FIFO), not a file',
    abort='crashed (SIGABRT)',  # by DecodeOrBreak of tests.kit.hostile
    hang='not read within 2 s',  # as well
)
# A byte of the table of times; decord crashes or hangs, PyAV reads a part.
DAMAGED = dict(times=(12, 0xDC), times_too=(17, 0xFF))


def write_bad(folder, count=7):
    """Good ``v{i}.mp4``, and one of each bad kind; their names, without .mp4.

    The bad ones stand among the good ones.
    """
    good = [f'v{i}' for i in range(count)]
    for i, name in enumerate([*good, 'abort', 'hang']):
        write_video(f'{folder}/{name}.mp4', seed=i)
    with open(f'{folder}/v0.mp4', 'rb') as file:
        content = file.read()
    parts = dict(empty=b'', cut=content[: len(content) // 2])
    for name, (place, value) in DAMAGED.items():
        changed = bytearray(content)
        changed[content.index(b'stts') + place] = value
        parts[name] = changed
    for name, part in parts.items():
        with open(f'{folder}/{name}.mp4', 'wb') as file:
            file.write(part)
    os.mkfifo(f'{folder}/pipe.mp4')
    bad = [*UNREADABLE, *DAMAGED]
    return [*good[:2], *bad[:3], *good[2:4], *bad[3:], *good[4:]]


def write_list(path, names):
    """An annotation file of these names; all have the same label."""
    return write_text(str(path), *(f'{name}.mp4 3' for name in names))
