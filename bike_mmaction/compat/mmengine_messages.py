"""Remedies for MMEngine: warnings about its own insides, at every run."""

import logging
import sys
import warnings
from types import FrameType
from typing import Optional

from .registry import remedy, replace

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


@remedy('mmengine', '<=0.10.7', 'a line of warning for each frozen parameter')
def sum_up_frozen_parameters() -> None:
    """One line says how many there are: a frozen encoder has hundreds."""
    import mmengine.optim.optimizer.default_constructor as constructor

    frozen: list[str] = []
    plain_print_log = constructor.print_log

    def unless_frozen(original):
        def print_log(msg, *args, **kwargs):
            if str(msg).endswith(FROZEN):
                frozen.append(str(msg).removesuffix(FROZEN))
            else:
                original(msg, *args, **kwargs)

        return print_log

    def summing_up(original):
        def build(self, model):
            frozen.clear()
            optim_wrapper = original(self, model)
            if frozen:
                plain_print_log(
                    f'{len(frozen)} frozen parameters are left out of the '
                    f'optimizer, from {frozen[0]} to {frozen[-1]}',
                    logger='current',
                    level=logging.INFO,
                )
            return optim_wrapper

        return build

    replace(constructor, 'print_log', unless_frozen)
    replace(constructor.DefaultOptimWrapperConstructor, '__call__', summing_up)


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
    """setuptools 80 and 81 say that it is deprecated."""
    warnings.filterwarnings(
        'ignore',
        'pkg_resources is deprecated as an API',
        Warning,
        r'mmengine\.utils\.package_utils',
    )
