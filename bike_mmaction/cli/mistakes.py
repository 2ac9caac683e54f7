"""One line for what a user can mend, a traceback for everything else."""

import os
import sys
import time
import traceback
from contextlib import contextmanager

from mmengine.config import Config
from mmengine.dist import get_rank

from ..compat import PipelineError
from ..models.finite import NonFiniteError

_LOOPS = os.path.join('mmengine', 'runner', 'loops.py')
_BUILDING = os.path.join('mmengine', 'registry', 'build_functions.py')
_PATIENCE = 10  # seconds, in which a launcher ends the other processes


def read_config_file(path: str) -> Config:
    """Read a config, and name it in whatever error its content gives.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it, or one that it is based on, cannot be read.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"config '{path}' does not exist")
    try:
        return Config.fromfile(path)
    except Exception as error:  # it is a program of its own
        raise ValueError(
            f"cannot read the config '{path}': {type(error).__name__}: {error}"
        ) from error


@contextmanager
def mistakes_in_one_line(name: str):
    """End a tool with its name and what is wrong, see :func:`is_mistake`.

    Of several processes the main one tells it; the others only if that has
    not ended them soon after, as launchers do.

    Args:
        name (str): Of the tool.
    """
    try:
        yield
    except Exception as error:
        if not is_mistake(error):
            raise
        if _rank():
            time.sleep(_PATIENCE)
        sys.exit(f'{name}: {_message(error)}')


def is_mistake(error: Exception) -> bool:
    """Whether an error tells of input, and not of a fault in a program.

    While a run is set up, all that refuses a value or a name does: it has
    been raised on purpose, by a ``raise``, as those of a faulty line or of
    torch's own code are not. Once batches are computed, only files and
    numbers are to blame.
    """
    if isinstance(error, (OSError, NonFiniteError, PipelineError)):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    if any(
        frame.filename.endswith(_LOOPS) and frame.name.startswith('run_')
        for frame in frames
    ):
        return False
    if isinstance(error, (ImportError, RuntimeError, ValueError)):
        return 'raise ' in frames[-1].line
    # An unknown `type`, or an option that it does not have.
    return isinstance(error, (KeyError, TypeError)) and frames[-1].filename.endswith(
        _BUILDING
    )


def _message(error: Exception) -> str:
    text = (
        str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    )
    if 'DataLoader worker' in text:  # followed by the worker's traceback
        text = text.strip().splitlines()[-1].split('PipelineError: ')[-1]
    return text or type(error).__name__


def _rank() -> int:
    """Also before the processes know of each other."""
    number = os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0'))
    return get_rank() or int(number)
