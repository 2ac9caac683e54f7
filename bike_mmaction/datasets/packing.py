"""Writing videos into tar files, which :mod:`bike_mmaction.shards` reads.

The tar files are plain ones, as webdataset has them: of each video its file,
then its label, ``dance/a.mp4`` and ``dance/a.cls`` or ``dance/a.json``.
"""

import io
import json
import os
import os.path as osp
import random
import stat
import tarfile
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mmengine.dataset import BaseDataset
from tqdm import tqdm

from ..files import replaced, write_lines
from ..shards import Member
from .entries import entry_of, has_label, with_video_extension
from .pack_folder import SHARD, alone_in, begin, finish, note
from .shard_index import check_name, write_index

LEFT_OUT = 'left_out.txt'  # names what is in no shard
_BLOCK = 512  # bytes, of which tar files are made


class Video(NamedTuple):
    """A video to pack.

    Attributes:
        name (str): Its path below the folder of the videos.
        path (str): Its file.
        size (int): Bytes.
        changed (int): When it was changed last, in nanoseconds.
        labels (tuple[int]): Those that the lists tell; () if they tell none,
            or several segments of it.
        is_multi (bool): Whether it may have several.
    """

    name: str
    path: str
    size: int
    changed: int
    labels: tuple[int, ...]
    is_multi: bool


class Packed(NamedTuple):
    """What was written.

    Attributes:
        videos (int): Their number.
        shards (int): Of the tar files.
        size (int): Bytes of the videos.
        left_out (dict[str, str]): By file, why it is in no shard.
    """

    videos: int
    shards: int
    size: int
    left_out: dict[str, str]


def videos_of(datasets: Iterable[BaseDataset]) -> tuple[list[Video], dict[str, str]]:
    """The videos of lists, each once, by name; and why others are left out.

    Args:
        datasets (Iterable[BaseDataset]): MMAction2's, of video files.

    Raises:
        ValueError: if they lie in different folders.
    """
    videos: dict[str, Video] = {}
    left_out: dict[str, str] = {}
    folders = {dataset.data_prefix['video'] for dataset in datasets}
    if len(folders) > 1:
        raise ValueError(
            f'the splits lie in different folders, {" and ".join(sorted(folders))}: '
            'pack each into a folder of its own'
        )
    for dataset in datasets:
        for number in range(len(dataset)):
            info = dataset.get_data_info(number)
            path = with_video_extension(info['filename'])
            name = entry_of(dict(filename=path), folders)[0]
            labels = _labels_of(info)
            if name in videos:
                if labels != videos[name].labels:
                    videos[name] = videos[name]._replace(labels=())
            elif path not in left_out:
                try:
                    status = _status_of(name, path)
                except (OSError, ValueError) as error:
                    left_out[path] = getattr(error, 'strerror', None) or str(error)
                    continue
                is_multi = not isinstance(info.get('label'), int)
                size, changed = status.st_size, status.st_mtime_ns
                videos[name] = Video(name, path, size, changed, labels, is_multi)
    return [videos[name] for name in sorted(videos)], left_out


def _labels_of(info: dict) -> tuple[int, ...]:
    if 'segment' in info or not has_label(info):
        return ()
    return tuple(int(label) for label in entry_of(info, ())[1:])


def _status_of(name: str, path: str) -> os.stat_result:
    """Size and time of change of a video.

    Raises:
        OSError, ValueError: if it cannot be in a shard; says why.
    """
    check_name(name)
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError('it is no file')
    if not status.st_size:
        raise ValueError('the file is empty (0 bytes)')
    return status


def plan_shards(
    videos: Sequence[Video], size: int, seed: int = 0
) -> dict[str, list[Video]]:
    """Which videos go into which shard: by chance, so that each has all kinds.

    Args:
        videos (Sequence[Video]): In an order that does not change.
        size (int): Bytes of a shard; a video that begins before is in it.
        seed (int): Of the order. Defaults to 0.
    """
    order = list(videos)
    random.Random(seed).shuffle(order)
    shards: dict[str, list[Video]] = {}
    left = 0
    for video in order:
        if left <= 0:
            shard = shards[SHARD.format(len(shards))] = []
            left = size
        shard.append(video)
        left -= video.size
    return shards


def pack_videos(
    datasets: Sequence[BaseDataset],
    out: str,
    size: int = 1 << 30,
    seed: int = 0,
    overwrite: bool = False,
) -> Packed:
    """Write the videos of data sets into a folder of shards.

    A call that was stopped goes on where it was: shards that are whole, and
    newer than their videos, stay.

    Args:
        datasets (Sequence[BaseDataset]): MMAction2's, of one folder.
        out (str): The folder, which is made.
        size (int): Bytes of a shard, about. Defaults to 1 GiB.
        seed (int): Of the order of the videos. Defaults to 0.
        overwrite (bool): Whether to replace shards that are there. Defaults
            to False.

    Raises:
        FileExistsError: if the folder has tar files already.
        BlockingIOError: if another process packs into it.
        ValueError: if the data sets have no video, or several folders, or ``out``
            is theirs.
        WriteError: if the disk is full.
    """
    videos, left_out = videos_of(datasets)
    if not videos:
        some = ''.join(f"; '{path}': {why}" for path, why in [*left_out.items()][:1])
        raise ValueError(f'there is no video to pack{some}')
    plan = plan_shards(videos, size, seed)
    with alone_in(out, {dataset.data_prefix['video'] for dataset in datasets}):
        members = _pack(out, plan, left_out, overwrite)
    packed = sum(member.size for member in members)
    return Packed(len(members), len(plan), packed, left_out)


def _pack(
    out: str, plan: dict[str, list[Video]], left_out: dict[str, str], overwrite: bool
) -> list[Member]:
    """Write the shards of a plan that are not there yet, and the index."""
    done = begin(out, overwrite)
    members: list[Member] = []
    whole = sum(video.size for videos in plan.values() for video in videos)
    with tqdm(total=whole, unit='B', unit_scale=True, disable=None) as progress:
        for shard, content in plan.items():
            path = osp.join(out, shard)
            own = done.get(shard, [])
            if not _is_done(path, own, content):
                own = _write_shard(path, content, left_out)
            members += own
            progress.update(sum(video.size for video in content))
    write_index(out, members)
    finish(out, done.keys() - plan.keys())
    _write_left_out(out, left_out)
    return members


def _is_done(path: str, members: list[Member], videos: list[Video]) -> bool:
    """Whether a shard is there already, with these videos as they are."""
    wanted = [(video.name, video.size) for video in videos]
    if [(m.name, m.size) for m in members] != wanted or not osp.isfile(path):
        return False
    return os.stat(path).st_mtime_ns >= max(video.changed for video in videos)


def _write_shard(
    path: str, videos: list[Video], left_out: dict[str, str]
) -> list[Member]:
    """Write a shard in one step, and note that it is there."""
    folder, shard = osp.split(path)
    members: list[Member] = []
    with replaced(path) as draft:
        with tarfile.open(draft, 'w') as tar:
            for video in videos:
                try:
                    with open(video.path, 'rb') as file:
                        content = file.read()
                except OSError as error:
                    left_out[video.path] = str(error.strerror)
                    continue
                offset = _add(tar, video.name, content)
                crc = zlib.crc32(content)
                members.append(Member(video.name, shard, offset, len(content), crc))
                _add_labels(tar, video)
        note(folder, shard, members)
    return members


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> int:
    """Add a file; where its content begins. The same content gives the same bytes."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
    return tar.offset - len(content) - -len(content) % _BLOCK


def _add_labels(tar: tarfile.TarFile, video: Video) -> None:
    stem = osp.splitext(video.name)[0]
    if video.labels and video.is_multi:
        text = json.dumps(dict(labels=video.labels))
        _add(tar, f'{stem}.json', text.encode())
    elif video.labels:
        _add(tar, f'{stem}.cls', b'%d' % video.labels[0])


def _write_left_out(out: str, left_out: dict[str, str]) -> None:
    path = osp.join(out, LEFT_OUT)
    if left_out:
        write_lines(path, [f'{file}: {reason}' for file, reason in left_out.items()])
    elif osp.exists(path):  # of an earlier call
        os.remove(path)
