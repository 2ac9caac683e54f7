"""One line for what a user can mend, a traceback for everything else."""

import os
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from ..errors import did_you_mean
from ..ranks import last_trouble
from ..terminal import printable, printable_warnings

_LOOPS = os.path.join('mmengine', 'runner', 'loops.py')
_BUILDING = os.path.join('mmengine', 'registry', 'build_functions.py')
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_CONFIG = os.path.join('mmengine', 'config', 'config.py')
_PATIENCE = 10  # seconds, in which a launcher ends the other processes


@contextmanager
def mistakes_in_one_line(prog: str) -> Iterator[None]:
    """End a command with its name and what is wrong, see :func:`is_mistake`.

    Args:
        prog (str): How it was called, as argparse shows it.
    """
    try:
        with printable_warnings():
            yield
    except Exception as error:
        if not is_mistake(error):
            raise
        exit_with(prog, error)


def exit_with(prog: str, error: Exception) -> NoReturn:
    """End the process with what is wrong, in the form of argparse.

    Of several processes the main one tells it; the others only if that has
    not ended them soon after, as launchers do.
    """
    if rank_of_process():
        time.sleep(_PATIENCE)
    sys.exit(printable(f'{prog}: error: {_message(error)}'))


def is_mistake(error: Exception) -> bool:
    """Whether an error tells of input, and not of a fault in a program.

    While a run is set up, all that refuses a value or a name does: it has
    been raised on purpose, by a ``raise``, as those of a faulty line or of
    torch's own code are not. Once batches are computed, only files and
    numbers are to blame.
    """
    from ..errors import NonFiniteError, PipelineError

    if isinstance(error, BrokenPipeError):  # nobody reads what is printed
        return False
    if isinstance(error, (OSError, NonFiniteError, PipelineError)):
        return True
    if _is_lost_process(error):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    if any(
        frame.filename.endswith(_LOOPS) and frame.name.startswith('run_')
        for frame in frames
    ):
        return False
    last = frames[-1]
    on_purpose = 'raise ' in (last.line or '')
    if isinstance(error, (ImportError, RuntimeError, ValueError)):
        return on_purpose
    # An unknown `type`, or an option that it does not have.
    if isinstance(error, (KeyError, TypeError)) and last.filename.endswith(_BUILDING):
        return True
    is_built = any(frame.filename.endswith(_BUILDING) for frame in frames)
    if isinstance(error, AssertionError):  # of the options of a component
        return is_built and bool(str(error))
    if isinstance(error, (KeyError, TypeError)) and last.filename.endswith(_CONFIG):
        return on_purpose or isinstance(error, KeyError)
    if isinstance(error, KeyError):
        return False
    if not isinstance(error, TypeError):
        return False
    if is_built and 'unexpected keyword argument' in str(error):  # of a base class
        return True
    return on_purpose and _is_own(last.filename)


def _is_lost_process(error: Exception) -> bool:
    """Whether another process has ended, or did not answer in time.

    NCCL ends the process itself.
    """
    return isinstance(error, RuntimeError) and bool(
        re.search(r'\bgloo/|Timed out waiting \d+ms', str(error))
    )


def _is_own(path: str) -> bool:
    return os.path.abspath(path).startswith(_PACKAGE + os.sep)


def _message(error: Exception) -> str:
    text = str(error)
    if isinstance(error, KeyError) and error.args:
        text = str(error.args[0])
        if text.isidentifier():
            text = f"the config has no '{text}'"
        unknown = re.match(r'((\S+) is not in the (?:\S+::)?(.+?) registry)', text)
        if unknown:
            text = unknown[1] + did_you_mean(unknown[2], types_of(unknown[3]))
    if 'DataLoader worker' in text:  # followed by the worker's traceback
        text = text.strip().splitlines()[-1]
        text = re.sub(r'^bike_mmaction\.[\w.]*: ', '', text)  # the class of the error
    if _is_lost_process(error):
        reason = re.sub(r'^\[\S+\] ', '', text.strip().splitlines()[0])
        why = last_trouble() or 'it has ended, look for its own message'
        text = f'no answer from another process ({reason.rstrip(".")}): {why}'
    return text or type(error).__name__


def types_of(registry: str) -> set[str]:
    """What the registries of this name know: MMAction2's and MMEngine's."""
    import mmaction.registry
    import mmengine.registry

    places = (mmaction.registry, mmengine.registry)
    return {
        name
        for place in places
        for known in vars(place).values()
        if isinstance(known, mmengine.registry.Registry) and known.name == registry
        for name in known.module_dict
    }


def rank_of_process() -> int:
    """Of this process, also before the processes know of each other."""
    if 'mmengine.dist' in sys.modules:
        from mmengine.dist import get_rank

        rank = get_rank()
        if rank:
            return rank
    return int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')))
