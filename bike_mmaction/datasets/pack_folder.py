"""The folder that tar files are packed into, and what is there already."""

import json
import os
import os.path as osp
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from ..files import remove_drafts, writing
from ..shards import INDEX, Member, Shards

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

SHARD = 'videos-{:06}.tar'
_SHARDS = re.compile(r'videos-\d{6,}\.tar')  # no other file is ever removed
_PARTIAL = f'{INDEX}.partial'  # a line of JSON for each shard that is done


@contextmanager
def alone_in(out: str, sources: Iterable[str]) -> Iterator[None]:
    """Make the folder, in which no other process packs meanwhile.

    Args:
        out (str): The folder.
        sources (Iterable[str]): Folders of the videos.

    Raises:
        BlockingIOError: if another process packs into it.
        ValueError: if it is a folder of the videos.
        WriteError: if it cannot be made.
    """
    if osp.realpath(out) in map(osp.realpath, sources):
        raise ValueError(
            f"'{out}' is the folder of the videos: choose another one for the tar files"
        )
    with writing(out, out):
        os.makedirs(out, exist_ok=True)
    if fcntl is None:
        yield
        return
    handle = os.open(out, os.O_RDONLY)  # held until it is closed, or by a kill
    try:
        _lock(handle, out)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, out: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockingIOError(
            f"another process packs videos into '{out}': wait for its end, or choose "
            'another folder'
        ) from None
    except OSError:
        pass  # of some file systems


def begin(out: str, overwrite: bool) -> dict[str, list[Member]]:
    """Clear the folder; what an earlier call has written, by shard.

    Args:
        out (str): The folder.
        overwrite (bool): Whether to remove the shards that its index names.

    Raises:
        FileExistsError: if it has other tar files; nothing is removed then.
        ShardError: if its index cannot be read.
    """
    remove_drafts(out, '.tar')
    index, done = osp.join(out, INDEX), _noted(out)
    is_whole, old = osp.isfile(index), set()
    if overwrite and is_whole:
        old = {member.shard for member in Shards(out)}
    known = {shard for shard in {*old, *done} if _SHARDS.fullmatch(shard)}
    tars = {name for name in os.listdir(out) if name.endswith('.tar')}
    if tars - known or (is_whole and not overwrite):
        some = min(tars - known, default=INDEX)
        raise FileExistsError(
            f"'{out}' has tar files already, such as '{some}': --overwrite replaces "
            'those that bike pack-videos has written, or choose another folder'
        )
    if is_whole:
        os.remove(index)
    remove(out, old - done.keys())
    return done


def _noted(out: str) -> dict[str, list[Member]]:
    """Shards that an earlier call has noted."""
    done: dict[str, list[Member]] = {}
    partial = osp.join(out, _PARTIAL)
    if osp.isfile(partial):
        with open(partial, encoding='utf-8', errors='replace') as file:
            for line in file:  # torn by a kill, or by a power cut
                with suppress(ValueError, TypeError, RecursionError):
                    shard, members = json.loads(line)
                    done[shard] = [Member(*member) for member in members]
    return done


def note(out: str, shard: str, members: list[Member]) -> None:
    """Note what is in a shard; before it is there, so that each is known.

    Args:
        out (str): The folder.
        shard (str): Name of the tar file.
        members (list[Member]): Its videos.
    """
    partial = osp.join(out, _PARTIAL)
    with writing(partial), open(partial, 'a', encoding='utf-8') as file:
        file.write(f'\n{json.dumps([shard, members])}\n')


def finish(out: str, others: Iterable[str]) -> None:
    """Remove the notes, and shards of an earlier plan."""
    remove(out, others)
    with suppress(FileNotFoundError):
        os.remove(osp.join(out, _PARTIAL))


def remove(out: str, shards: Iterable[str]) -> None:
    """Remove shards that this project has written, by their names."""
    for shard in filter(_SHARDS.fullmatch, shards):
        with suppress(FileNotFoundError):
            os.remove(osp.join(out, shard))
