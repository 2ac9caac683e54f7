"""Videos in a few large tar files, in place of many small files.

A folder of such shards stands for a folder of videos: ``FOLDER/dance/a.mp4`` is
the video ``dance/a.mp4``, in whichever tar file of FOLDER it lies. The index
beside them tells where, so that a video is read at once and no other is looked
at. A line of it is ``name, shard, offset, size, CRC-32``, parted by tabs; lines
are in the order of the names, as bytes.
"""

import errno
import os
import os.path as osp
import stat
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, Optional

INDEX = 'shards.tsv'
_HEAD = b'# videos in tar files, version 1: '  # and how many
_MOST_OPEN = 32  # shards of a process


class Member(NamedTuple):
    """A video in a shard.

    Attributes:
        name (str): Its path, as if the shards were a folder of videos.
        shard (str): Name of the tar file.
        offset (int): Where its content begins in the tar file, in bytes.
        size (int): Bytes of its content.
        crc (int): CRC-32 of its content.
    """

    name: str
    shard: str
    offset: int
    size: int
    crc: int


class ShardError(RuntimeError):
    """A video cannot be read from its shard; says why, and what to do."""


class MissingMemberError(ShardError):
    """A folder of shards has no such video."""


def index_line(member: Member) -> bytes:
    """A video as a line of an index, with its end."""
    return b'\t'.join(os.fsencode(str(field)) for field in member) + b'\n'


def read_index_line(line: bytes) -> Member:
    """A video by its line.

    Raises:
        ValueError: if it is no such line.
    """
    name, shard, *numbers = line.rstrip(b'\n').split(b'\t')
    offset, size, crc = map(int, numbers)
    is_name = not any(sign in shard for sign in b'/\0')  # of no other folder
    if not is_name or min(offset, size, crc) < 0:
        raise ValueError(line)
    return Member(os.fsdecode(name), os.fsdecode(shard), offset, size, crc)


def index_of(members: list[Member]) -> bytes:
    """The content of an index.

    Raises:
        ValueError: if two videos have the same name; names both shards.
    """
    members = sorted(members, key=lambda member: os.fsencode(member.name))
    for one, other in zip(members, members[1:]):
        if one.name == other.name:
            raise ValueError(
                f"two videos are called '{one.name}', in '{one.shard}' and "
                f"'{other.shard}': each needs a name of its own"
            )
    return b''.join([_HEAD, b'%d\n' % len(members), *map(index_line, members)])


class Shards:
    """A folder of shards, by its index.

    The index stays one text, in which a video is searched: 240,000 objects would
    take five times its memory and, in each process, their time.

    Args:
        folder (str): With the index and the tar files.

    Raises:
        ShardError: if the index is none, or not whole.
        OSError: if it cannot be read.
    """

    def __init__(self, folder: str) -> None:
        self.folder, self._place = folder, osp.abspath(folder)
        with open(osp.join(folder, INDEX), 'rb') as file:
            self._content = file.read()
        head, end, _ = self._content.partition(b'\n')
        self._start = len(head) + len(end)
        self._count = self._content.count(b'\n') - 1
        is_whole = self._content.endswith(b'\n')
        if not is_whole or head != _HEAD + b'%d' % self._count:
            raise ShardError(f'{self._index} is no index, or not all of it{self._cure}')

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Member]:
        return self.below('')

    @property
    def _index(self) -> str:
        return f"'{osp.join(self.folder, INDEX)}'"

    @property
    def _cure(self) -> str:
        return f"; copy it anew, or: bike index-shards '{self.folder}'"

    def find(self, name: str) -> Optional[Member]:
        """A video by its name; None if there is none of this name."""
        return next(self._from(os.fsencode(name) + b'\t'), None)

    def below(self, folder: str) -> Iterator[Member]:
        """The videos in a folder and below it, by name; '' is that of the shards."""
        return self._from(os.fsencode(folder and f'{folder}/'))

    def _from(self, start: bytes) -> Iterator[Member]:
        """The videos whose lines begin so."""
        content = self._content
        low, high = self._start, len(content)  # both begin a line
        while low < high:
            middle = (low + high) // 2
            begin = max(low, content.rfind(b'\n', low, middle) + 1)
            end = content.index(b'\n', middle) + 1
            if content[begin:end] < start:
                low = end
            else:
                high = begin
        while low < len(content) and content.startswith(start, low):
            end = content.index(b'\n', low) + 1
            yield self._member_of(content[low:end])
            low = end

    def _member_of(self, line: bytes) -> Member:
        try:
            return read_index_line(line)
        except ValueError as error:
            text = os.fsdecode(line.strip()[:80])
            message = f"{self._index}: '{text}' is no line of an index{self._cure}"
            raise ShardError(message) from error

    def read(self, member: Member) -> bytes:
        """The content of a video, bit for bit.

        Raises:
            ShardError: if its shard is missing, cut off, or not the one that
                the index was made of.
        """
        path = osp.join(self.folder, member.shard)
        content, reason = b'', ''
        try:
            shard = _opened(osp.join(self._place, member.shard))
            content = shard.read(member.offset, member.size)
        except OSError as error:
            reason = f'cannot be read ({error.strerror})'
        if not reason and len(content) < member.size:
            end = member.offset + member.size
            reason = f'is cut off: the video ends at byte {end}, behind its end'
        elif not reason and zlib.crc32(content) != member.crc:
            reason = 'has another content than when its index was written'
        if reason:
            cure = f"copy it anew, or if it is right: bike index-shards '{self.folder}'"
            raise ShardError(f"its shard '{path}' {reason}; {cure}")
        return content


class _OpenShard:
    """A tar file that is read at places, also by several threads and processes.

    Reading moves no position: a file that was open when a process forked
    serves both.
    """

    def __init__(self, path: str) -> None:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
            raise OSError(errno.EINVAL, 'it is no file')
        self._size = status.st_size
        self._file = open(path, 'rb', buffering=0)  # closed where nobody has it

    def __del__(self) -> None:
        if hasattr(self, '_file'):
            self._file.close()

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes from a place on; fewer where the file ends before."""
        number, parts = self._file.fileno(), []
        size = min(size, self._size - offset)  # an index may tell any numbers
        while size > 0:  # 2 GB are read at once, at most
            part = os.pread(number, size, offset)
            if not part:
                break
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b''.join(parts)


_opened = lru_cache(_MOST_OPEN)(_OpenShard)
_known: dict[str, Shards] = {}  # by absolute path: read once in a process


def find_shards(path: str) -> Optional[tuple[Shards, str]]:
    """The shards that a path leads into, and its name there; None if into none."""
    whole = osp.abspath(path)
    above = osp.dirname(whole)
    while above != osp.dirname(above):
        if above in _known:
            return _known[above], whole[len(above) + 1 :]
        above = osp.dirname(above)
    if osp.lexists(whole):
        return None
    above = osp.dirname(whole)
    while not osp.lexists(above) and above != osp.dirname(above):
        above = osp.dirname(above)
    if not osp.isfile(osp.join(above, INDEX)):
        return None
    _known[above] = Shards(above if osp.isabs(path) else osp.relpath(above))
    return _known[above], whole[len(above) + 1 :]


def find_member(path: str) -> Optional[tuple[Shards, Member]]:
    """The shards and the video in them that a path leads to; None if to none."""
    place = find_shards(path)
    member = None if place is None else place[0].find(place[1])
    return None if place is None or member is None else (place[0], member)


def read_member(path: str) -> Optional[bytes]:
    """The content of a video in shards; None of a path that leads into none.

    Raises:
        MissingMemberError: if the shards have no such video.
        ShardError: if it cannot be read.
    """
    try:
        place = find_shards(path)
    except OSError as error:
        raise ShardError(f'the index of its shards: {error.strerror}') from error
    if place is None:
        return None
    shards, name = place
    member = shards.find(name)
    if member is not None:
        return shards.read(member)
    if osp.lexists(path):
        return None
    raise MissingMemberError(
        f"the tar files of '{shards.folder}' have no video '{name}': pack it, take it "
        f"off the list, or if a tar file is new: bike index-shards '{shards.folder}'"
    )


def videos_in_shards(folder: str) -> Iterator[str]:
    """Paths of the videos in shards and below a folder of them, by name.

    Args:
        folder (str): Of the shards, or one that their videos lie in. Of any other
            there are none.

    Raises:
        ShardError: if their index is none, or not whole.
        OSError: if it cannot be read.
    """
    place = find_shards(osp.join(folder, '_'))
    if place is not None:
        shards, name = place
        inner = osp.dirname(name)
        for member in shards.below(inner):
            yield osp.join(folder, member.name[len(inner) :].lstrip('/'))


def exists(path: str) -> bool:
    """Whether there is such a file or folder, or such a video or folder in shards."""
    if osp.exists(path):
        return True
    try:
        return find_member(path) is not None or any(videos_in_shards(path))
    except (ShardError, OSError):
        return False
