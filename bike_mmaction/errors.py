"""The errors of this project that a user can mend, and their wording."""

import difflib
import os.path as osp
from collections.abc import Iterable

from .shards import exists


class PipelineError(RuntimeError):
    """A sample could not be read or transformed; names its file."""


class UnreadableError(PipelineError):
    """A video could not be opened, sampled or decoded: its file is at fault."""


class BadVideosError(PipelineError):
    """Too many videos of a training set cannot be read; names them."""


class TextError(ValueError):
    """A text file cannot be read; names it and its line."""


class ListError(TextError):
    """A list of videos cannot be used; names it and its line."""


class NonFiniteError(RuntimeError):
    """A loss, a score or a weight is not finite; says what to look at."""


class UntrainedError(ValueError):
    """A model would recognize by weights that are random."""


class SharedModelError(ValueError):
    """A shared model cannot be used, or a model cannot be shared; names its place."""


class WriteError(OSError):
    """A file could not be written; names it and the reason."""

    def __str__(self) -> str:
        return str(self.strerror)


def explain(source: str, error: Exception) -> str:
    """Say in one line which file could not be used, and why.

    Args:
        source (str): Path or address of a video, or a folder of frames.
        error (Exception): What reading it gave.
    """
    lines = str(error).strip().splitlines() or ['']
    reason = f'{type(error).__name__}: {lines[0]}'
    if '://' not in source and not exists(source):
        reason = 'no such file or folder'
    elif osp.isfile(source) and osp.getsize(source) == 0:
        reason = 'the file is empty (0 bytes)'
    elif 'Error reading' in reason or 'DECORDError' in reason:
        reason = f'decord cannot read it ({reason}); VideoInit reads more files'
    return f"cannot use '{source}': {reason}"


def did_you_mean(name: str, names: Iterable[str], likeness: float = 0.6) -> str:
    """The end of a message on an unknown name: the nearest one, or nothing.

    Args:
        name (str): What was given.
        names (Iterable[str]): Those that exist.
        likeness (float): From 0 to 1, that the nearest must have.
    """
    # the dashes of options are alike in all of them
    bare = {other.lstrip('-'): other for other in names}
    near = difflib.get_close_matches(name.lstrip('-'), list(bare), 1, likeness)
    return f"; did you mean '{bare[near[0]]}'?" if near else ''
