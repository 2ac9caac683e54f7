"""The errors of this project that a user can mend, and their wording."""

import os.path as osp


class PipelineError(RuntimeError):
    """A sample could not be read or transformed; names its file."""


class NonFiniteError(RuntimeError):
    """A loss, a score or a weight is not finite; says what to look at."""


class UntrainedError(ValueError):
    """A model would recognize by weights that are random."""


def explain(source: str, error: Exception) -> str:
    """Say in one line which file could not be used, and why.

    Args:
        source (str): Path or address of a video, or a folder of frames.
        error (Exception): What reading it gave.
    """
    lines = str(error).strip().splitlines() or ['']
    reason = f'{type(error).__name__}: {lines[0]}'
    if '://' not in source and not osp.exists(source):
        reason = 'no such file or folder'
    elif osp.isfile(source) and osp.getsize(source) == 0:
        reason = 'the file is empty (0 bytes)'
    elif 'Error reading' in reason or 'DECORDError' in reason:
        reason = f'decord cannot read it ({reason}); VideoInit reads more files'
    return f"cannot use '{source}': {reason}"
