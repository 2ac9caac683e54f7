"""Ways to damage a file, as disks, networks and bad programs do."""

import random

TABLES = (
    b'stts',
    b'stss',
    b'stsz',
    b'stsc',
    b'stco',
    b'stsd',
    b'ctts',
    b'elst',
    b'mdhd',
)
CONTAINERS = (b'moov', b'trak', b'mdia', b'minf', b'stbl', b'edts', b'mvex', b'udta')


def mutate(content, rng):
    """Damage the content of a file in one way.

    Args:
        content (bytes): The file.
        rng (random.Random): Draws the way and the place.

    Returns:
        tuple[str, bytes]: The name of the way, and the damaged content.
    """
    way = rng.choice(sorted(WAYS))
    return way, bytes(WAYS[way](bytearray(content), rng))


def _flip(content, rng):
    """Some bits, anywhere."""
    for _ in range(rng.choice((1, 1, 2, 8))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return content


def _cut(content, rng):
    """The end is missing."""
    return content[: rng.randrange(1, len(content))]


def _noise(content, rng):
    """A block of other bytes."""
    begin = rng.randrange(len(content))
    length = min(rng.choice((4, 50, 500)), len(content) - begin)
    content[begin : begin + length] = rng.randbytes(length)
    return content


def _zeros(content, rng):
    """A block that was never written."""
    begin = rng.randrange(len(content))
    length = min(rng.choice((16, 512)), len(content) - begin)
    content[begin : begin + length] = bytes(length)
    return content


def _lost(content, rng):
    """A block is missing, or is there twice."""
    begin = rng.randrange(len(content))
    length = rng.choice((1, 16, 188))
    if rng.random() < 0.5:
        del content[begin : begin + length]
    else:
        content[begin:begin] = content[begin : begin + length]
    return content


def _header(content, rng):
    """Some bytes of the first ones, or of a header."""
    begin, end = rng.choice(_headers(content))
    for _ in range(rng.choice((1, 2, 4))):
        content[rng.randrange(begin, end)] = rng.randrange(256)
    return content


def _size(content, rng):
    """A box, or an element, says another size."""
    places = [begin for _, begin, _ in boxes_of(content)]
    if not places:  # the size of an element of Matroska follows its name
        places = [i + 4 for i in range(len(content) - 8) if content[i] in (0x1A, 0x1F)]
        places += [i + 1 for i in range(len(content) - 8) if content[i] == 0xA3]
    begin = rng.choice(places)
    size = int.from_bytes(content[begin : begin + 4], 'big')
    size = rng.choice(
        (0, 1, 7, size - 1, size + 1, size + 8, 2 * size, 2**31, 2**32 - 1)
    )
    content[begin : begin + 4] = (size % 2**32).to_bytes(4, 'big')
    return content


def _table(content, rng):
    """A number in a table is another one."""
    tables = [box for box in boxes_of(content) if box[0] in TABLES]
    if not tables:
        return _header(content, rng)
    _, begin, end = rng.choice(tables)
    place = rng.randrange(begin + 8, max(end, begin + 9) - 3)
    number = int.from_bytes(content[place : place + 4], 'big')
    number = rng.choice((0, 1, number - 1, number + 1, number ^ 0xFF, 2**31, 2**32 - 1))
    content[place : place + 4] = (number % 2**32).to_bytes(4, 'big')
    return content


WAYS = {
    'flipped bits': _flip,
    'cut off': _cut,
    'noise': _noise,
    'zeros': _zeros,
    'lost or doubled bytes': _lost,
    'header': _header,
    'size of a box': _size,
    'table': _table,
}


def boxes_of(content, begin=0, end=None):
    """Names, begins and ends of the boxes of a MP4 file, also of the inner ones."""
    end = len(content) if end is None else end
    boxes = []
    while begin + 8 <= end:
        size = int.from_bytes(content[begin : begin + 4], 'big')
        name = bytes(content[begin + 4 : begin + 8])
        if size < 8 or begin + size > end:
            break
        boxes.append((name, begin, begin + size))
        if name in CONTAINERS:
            boxes += boxes_of(content, begin + 8, begin + size)
        begin += size
    return boxes


def _headers(content):
    """Where the headers of a file are."""
    places = [(b, e) for name, b, e in boxes_of(content) if name == b'moov']
    return places or [(0, min(400, len(content)))]


def seeded(seed, number):
    """Draws the same for the same file of the same run."""
    return random.Random(f'{seed}/{number}')
