"""The index of a folder of tar files, whoever has written them.

What ``bike index-shards`` does. In the tar files of webdataset the files of a
sample follow each other and have one name, up to the first dot of it:
``dance/a.mp4``, ``dance/a.cls``.
"""

import json
import os
import os.path as osp
import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, cast

from tqdm import tqdm

from ..files import has_extension, replaced, write_lines
from ..shards import INDEX, Member, index_of

LABEL_KEYS = ('label', 'labels', 'cls')  # of a .json beside a video
_OTHERS = ('.tar.gz', '.tgz', '.tar.bz2', '.tar.xz', '.tar.zst')


class Indexed(NamedTuple):
    """What is in tar files.

    Attributes:
        members (list[Member]): The videos.
        labels (dict[str, list[int]]): By name of a video, where there are any.
        left_out (list[str]): Videos that are links or have holes, and where.
    """

    members: list[Member]
    labels: dict[str, list[int]]
    left_out: list[str]


def index_shards(folder: str) -> Indexed:
    """Look through the tar files of a folder, and write its index.

    All of them are read once, for the checksums.

    Raises:
        FileNotFoundError: if there is no tar file.
        ValueError: if one is compressed, cut off or none, or two videos have
            the same name; names them.
    """
    shards = sorted(  # but for drafts, and what macOS leaves beside files
        name
        for name in os.listdir(folder)
        if name.endswith('.tar') and not name.startswith('.')
    )
    if not shards:
        packed = [name for name in os.listdir(folder) if name.endswith(_OTHERS)]
        hint = f"; '{packed[0]}' is compressed: unpack it to .tar" if packed else ''
        raise FileNotFoundError(f"'{folder}' has no tar files (.tar){hint}")
    whole = Indexed([], {}, [])
    for shard in tqdm(shards, unit='shard', disable=None):
        for sample in _read_shard(osp.join(folder, shard)):
            whole.members.extend(sample.members)
            whole.labels.update(sample.labels)
            whole.left_out.extend(sample.left_out)
    if not whole.members:
        some = ''.join(f'; left out: {one}' for one in whole.left_out[:1])
        raise ValueError(f"the tar files of '{folder}' have no videos{some}")
    write_index(folder, whole.members)
    return whole


def write_index(folder: str, members: list[Member]) -> None:
    """Write the index of a folder in one step: from then on it can be read."""
    content = index_of(members)
    with replaced(osp.join(folder, INDEX)) as draft, open(draft, 'wb') as file:
        file.write(content)


def write_list(path: str, indexed: Indexed) -> None:
    """Write an annotation file of the videos, in the order of the tar files.

    Raises:
        ValueError: if a video has no label, or a name that a list cannot have.
    """
    lines = []
    for member in indexed.members:
        if member.name not in indexed.labels:
            raise ValueError(
                f"'{member.name}' in '{member.shard}' has no label: expected a number "
                f'in a .cls beside it, or one of {", ".join(LABEL_KEYS)} in a .json'
            )
        if re.search(r'\s', member.name):
            raise ValueError(
                f"'{member.name}' in '{member.shard}': lists separate by spaces, so "
                'that a name can have none'
            )
        if not _is_utf8(member.name):
            raise ValueError(
                f"'{member.name}' in '{member.shard}': its name is no UTF-8, which "
                'lists are'
            )
        lines.append(' '.join(map(str, [member.name, *indexed.labels[member.name]])))
    write_lines(path, lines)


def _is_utf8(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _read_shard(path: str) -> Iterator[Indexed]:
    """The samples of a tar file.

    Raises:
        ValueError: naming the file, and what is wrong with it.
    """
    if not osp.isfile(path):  # a pipe would be waited for
        raise ValueError(f"'{path}' is no file, or a link to none")
    size, shard = osp.getsize(path), osp.basename(path)
    sample, key = Indexed([], {}, []), ''
    labels: list[int] = []
    try:
        with tarfile.open(path, 'r:') as tar:
            for info in tar:
                is_plain = info.isreg() and not info.issparse()
                end = info.offset_data + info.size if is_plain else 0
                if info.size < 0 or end > size:
                    raise tarfile.ReadError(f"'{info.name}' goes beyond its end")
                if not is_plain:  # a link, or one with holes
                    if has_extension(info.name) and not info.isdir():
                        sample.left_out.append(f"'{info.name}' in '{shard}'")
                    continue
                stem = _key_of(info.name)
                if stem != key:
                    yield _labelled(sample, labels)
                    sample, key, labels = Indexed([], {}, []), stem, []
                _read_member(tar, info, shard, sample.members, labels)
            yield _labelled(sample, labels)
            _check_end(path)
    except (tarfile.TarError, EOFError) as error:
        raise ValueError(
            f"'{path}' is no tar file, compressed, or cut off ({error})"
        ) from error


def _key_of(name: str) -> str:
    folder, base = osp.split(name)
    return osp.join(folder, base.partition('.')[0])


def _labelled(sample: Indexed, labels: list[int]) -> Indexed:
    if labels:
        sample.labels.update((member.name, labels) for member in sample.members)
    return sample


def _read_member(
    tar: tarfile.TarFile,
    info: tarfile.TarInfo,
    shard: str,
    members: list[Member],
    labels: list[int],
) -> None:
    """Note a video, or the labels in a file beside it."""
    name = osp.normpath(info.name)
    is_video = has_extension(name)
    if not is_video and not name.endswith(('.cls', '.json')):
        return
    content = cast(IO[bytes], tar.extractfile(info)).read()
    if not is_video:
        more = _labels_of(content, name.endswith('.json'))
        labels += [label for label in dict.fromkeys(more) if label not in labels]
        return
    try:
        check_name(name)
    except ValueError as error:
        raise ValueError(f"'{name}' in '{shard}': {error}") from error
    crc = zlib.crc32(content)
    members.append(Member(name, shard, info.offset_data, info.size, crc))


def _labels_of(content: bytes, is_json: bool) -> list[int]:
    """The labels in a .cls or a .json; [] if there are none, or names."""
    try:
        value = json.loads(content)
        if is_json:
            value = next((value[key] for key in LABEL_KEYS if key in value), [])
        return list(map(_label_of, value if isinstance(value, list) else [value]))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []


def _label_of(value: Any) -> int:
    """A whole number, also one in quotes.

    Raises:
        ValueError, TypeError, OverflowError: if it is none.
    """
    number = int(value)
    if isinstance(value, bool) or number != float(value):
        raise ValueError(value)
    return number


def _check_end(path: str) -> None:
    """Refuse a tar file without the block of zeros that is its end."""
    with open(path, 'rb') as file:
        file.seek(-512, os.SEEK_END)
        if any(file.read()):
            raise tarfile.ReadError('it has no end')


def check_name(name: str) -> None:
    """Refuse a name that no line of an index can have.

    Raises:
        ValueError: saying why.
    """
    if any(sign in name for sign in '\t\n\r'):
        raise ValueError('its name has a tab or a line break')
    if osp.isabs(name) or name.split('/')[0] == '..':
        raise ValueError('it lies outside of the folder of the videos')
