"""Remedies for MMEngine: warnings about its own insides, at every run."""

import logging
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import Optional

from ..terminal import printable
from .registry import remedy, replace

PARAMWISE = 'paramwise_options -- '
FROZEN = ' is skipped since its requires_grad=False'


@remedy('mmengine', '<=0.10.7', 'warns of FileClient, which its own hooks use')
def silence_own_file_client() -> None:
    """``"FileClient" will be deprecated`` and ``"HardDiskBackend" is ...``.

    Whoever else uses them is still told.
    """
    import mmengine.fileio.file_client as file_client

    def unless_own(original):
        def print_log(*args, **kwargs):
            if not _is_asked_by_hooks():
                original(*args, **kwargs)

        return print_log

    replace(file_client, 'print_log', unless_own)


def _is_asked_by_hooks() -> bool:
    """Whether the caller of MMEngine's file client is MMEngine or MMAction2."""
    frame: Optional[FrameType] = sys._getframe(1)
    while frame and _module(frame).startswith((__name__, 'mmengine.fileio')):
        frame = frame.f_back
    return frame is not None and _module(frame).startswith(('mmengine.', 'mmaction.'))


def _module(frame: FrameType) -> str:
    return frame.f_globals.get('__name__', '')


@remedy('mmengine', '<=0.10.7', 'signs in names of files steer the terminal by its log')
def log_printable_text() -> None:
    """Names of files and classes may hold signs that move the cursor."""
    from mmengine.logging.logger import MMFormatter

    def of_printable(original):
        def format(self, record):
            record.msg, record.args = printable(record.getMessage()), None
            return original(self, record)

        return format

    replace(MMFormatter, 'format', of_printable)


@remedy('mmengine', '<=0.10.7', 'a line of the log for each parameter')
def sum_up_parameters() -> None:
    """One line for the frozen ones, one for those with options of their own.

    An encoder has hundreds of them. The lines of single parameters are left
    to the level DEBUG (``log_level`` of a config).
    """
    import mmengine.optim.optimizer.default_constructor as constructor

    frozen: list[str] = []
    options: Counter[str] = Counter()
    plain_print_log = constructor.print_log

    def counting(original):
        def print_log(msg, *args, **kwargs):
            text = str(msg)
            if text.endswith(FROZEN):
                frozen.append(text.removesuffix(FROZEN))
            elif text.startswith(PARAMWISE):
                options[_rounded(text.rpartition(':')[2])] += 1
            else:
                original(msg, *args, **kwargs)
                return
            plain_print_log(msg, logger='current', level=logging.DEBUG)

        return print_log

    def summing_up(original):
        def build(self, model):
            frozen.clear()
            options.clear()
            optim_wrapper = original(self, model)
            for line in _summary(frozen, options):
                plain_print_log(line, logger='current', level=logging.INFO)
            return optim_wrapper

        return build

    replace(constructor, 'print_log', counting)
    replace(constructor.DefaultOptimWrapperConstructor, '__call__', summing_up)


def _summary(frozen: Sequence[str], options: Mapping[str, int]) -> Iterator[str]:
    if frozen:
        yield (
            f'{len(frozen)} frozen parameters are left out of the '
            f'optimizer, from {frozen[0]} to {frozen[-1]}'
        )
    if options:
        counted = (f'{option} of {count}' for option, count in options.items())
        yield f'parameters with options by paramwise_cfg: {", ".join(counted)}'


def _rounded(option: str) -> str:
    """``lr=0.010000000000000002`` as ``lr=0.01``."""
    name, _, value = option.partition('=')
    with suppress(ValueError):
        value = f'{float(value):g}'
    return f'{name}={value}'


@remedy('mmengine', '<=0.10.7', 'warns of the second runner within a second')
def silence_runners_of_same_second() -> None:
    """Its runners are called by the second in which they are made.

    So is what belongs to them: scope, logger and visualizer.
    """
    warnings.filterwarnings(
        'ignore',
        r"<class 'mm(engine|action)\..*'> instance named of .*_\d{8}_\d{6} has been "
        'created, the method `get_instance` should not accept',
        UserWarning,
        r'mmengine\.utils\.manager',
    )


@remedy('mmengine', '<=0.10.7', 'warns of pkg_resources, which it imports itself')
def silence_own_pkg_resources() -> None:
    """setuptools 80 and 81 say that it is deprecated.

    MMEngine also loads it anew, so that ``importlib`` seems to warn.
    """
    warnings.filterwarnings(
        'ignore',
        'pkg_resources is deprecated as an API',
        Warning,
        r'(mmengine\.utils\.package_utils|importlib)$',
    )
