"""The checkpoint that a training goes on from, after whatever has stopped it."""

import glob
import logging
import os
import os.path as osp
import re
import zipfile
from collections.abc import Iterator
from typing import Optional

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from ..compat import remedy, replace
from .unpickling import read_pickle

NAMED = 'last_checkpoint'  # the file with the path of the newest one
_MOST_TOLD = 4
_CURE = (
    'Name another checkpoint (--resume CHECKPOINT), or train in another folder '
    '(--work-dir)'
)


@remedy('mmengine', '<=0.10.7', 'it resumes from a file that nobody can read')
def resume_from_readable() -> None:
    """Or begins anew without a word, over what is there.

    The file ``last_checkpoint`` may be empty, or name a checkpoint that is
    damaged, gone, or no longer the newest.
    """
    import mmengine.runner as package
    import mmengine.runner._flexible_runner as flexible
    import mmengine.runner.checkpoint as checkpoint
    import mmengine.runner.runner as runner

    for module in (checkpoint, runner, flexible, package):
        replace(module, 'find_latest_checkpoint', _choosing)


def _choosing(original):
    return lambda path: newest_checkpoint(path)


def newest_checkpoint(path: str) -> Optional[str]:
    """The newest checkpoint of a run that can be read; others are told.

    The main process looks, all of them get the same.

    Args:
        path (str): The folder of the run.

    Returns:
        str, optional: Its path; None if the run has none at all.

    Raises:
        RuntimeError: if there are checkpoints, but none that can be read;
            names them, with the reasons and the cure.
    """
    answer = [_choose(path) if is_main_process() else (None, [])]
    broadcast_object_list(answer)
    chosen, skipped = answer[0]
    if skipped and chosen is None:
        raise RuntimeError(
            f"nothing in '{path}' can be resumed: {_some(skipped)}. {_CURE}"
        )
    if skipped:
        print_log(
            f"Resuming from '{chosen}'; left out: {_some(skipped)}",
            'current',
            logging.WARNING,
        )
    return chosen


def _some(reasons: list[str]) -> str:
    """The first ones, in a line."""
    left = len(reasons) - _MOST_TOLD
    return '; '.join(reasons[:_MOST_TOLD]) + (f'; and {left} more' if left > 0 else '')


def has_checkpoints(folder: str) -> bool:
    """Whether a run has left any, in whatever state."""
    return osp.exists(osp.join(folder, NAMED)) or bool(_saved(folder))


def _choose(folder: str) -> tuple[Optional[str], list[str]]:
    """The checkpoint, and each one before it with the reason against it."""
    skipped = []
    named, problem = _named(folder)
    if problem:
        skipped.append(problem)
    for path in _in_order(folder, named):
        problem = problem_of(path)
        if not problem:
            return path, skipped
        skipped.append(f"'{osp.basename(path)}' {problem}")
    return None, skipped


def _named(folder: str) -> tuple[Optional[str], str]:
    """What ``last_checkpoint`` names, and what is wrong with it."""
    place = osp.join(folder, NAMED)
    try:
        with open(place, encoding='utf-8', errors='replace') as file:
            named = file.read().strip().strip('\0')
    except OSError:
        return None, ''
    if not named:
        return None, f"'{NAMED}' is empty"
    # A run that was moved has its checkpoints in the new place.
    for path in (named, osp.join(folder, osp.basename(named))):
        if osp.exists(path):
            return path, ''
    return None, f"'{NAMED}' names '{named}', which does not exist"


def _in_order(folder: str, named: Optional[str]) -> Iterator[str]:
    """What might be resumed; the best guess first.

    That is what ``last_checkpoint`` names, unless a kill came between a newer
    checkpoint and that file: such a one was written later, and has trained
    longer. (Later alone may come from copying; longer alone is of a training
    that began anew from an earlier checkpoint.)
    """
    saved = _saved(folder, osp.dirname(named) if named else folder)
    if named:
        time, done = osp.getmtime(osp.join(folder, NAMED)), _iterations(named, 0)
        for path in saved:
            if osp.getmtime(path) > time and _iterations(path, done + 1) > done:
                yield path
        yield named
    yield from (path for path in saved if path != named)


def _saved(*folders: str) -> list[str]:
    """What a run has saved to be resumed from, such as epoch_3.pth; newest first."""
    paths = {
        path
        for folder in folders
        for path in glob.glob(osp.join(glob.escape(folder), '*.pth'))
        if re.search(r'\d\.pth$', path) and not osp.basename(path).startswith('best_')
    }
    return sorted(paths, key=osp.getmtime, reverse=True)


def _iterations(path: str, default: int) -> int:
    """Iterations behind a checkpoint; ``default`` if it cannot be read."""
    try:
        return _read(path)['meta']['iter']
    except (RuntimeError, TypeError, KeyError):
        return default


def problem_of(path: str) -> str:
    """Why a training cannot go on from a file; '' if it can.

    Every byte is compared with the checksums of the file.
    """
    if osp.isdir(path):  # of DeepSpeed, which reads and checks its own
        return '' if os.listdir(path) else 'is empty'
    if not osp.getsize(path):
        return 'is empty'
    try:
        checkpoint = _read(path)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
            if damaged:
                return f'is damaged: the checksum of {damaged} is wrong'
    except (RuntimeError, OSError, zipfile.BadZipFile) as error:
        reason = str(error).partition(f"'{path}': ")[2] or str(error)
        return f'cannot be read: {reason}'
    if not is_resumable(checkpoint):
        return 'has weights, but no training'
    return ''


def is_resumable(checkpoint) -> bool:
    """Whether a checkpoint holds a training, and not weights alone."""
    return (
        isinstance(checkpoint, dict)
        and 'message_hub' in checkpoint
        and {'epoch', 'iter'} <= set(checkpoint.get('meta') or ())
    )


def _read(path: str):
    """A checkpoint, whose tensors are not read before they are used."""
    try:
        return read_pickle(path, 'cpu', mmap=True)
    except RuntimeError:  # an older format, which has to be read
        return read_pickle(path, 'cpu')
