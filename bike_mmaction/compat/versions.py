"""The installed versions of the packages that this project builds on."""

import multiprocessing
import os
import warnings
from importlib.metadata import PackageNotFoundError, version

from ..version import DEPENDENCIES, MAY_BE_NEWER, MMCV


def check_versions() -> None:
    """Compare the installed packages with ``version.DEPENDENCIES``.

    Warns, once, of packages that are newer than those tested.

    Raises:
        ImportError: if one is missing, too old, or newer where that may not
            be; names the package, the installed version and the range.
    """
    untested = []
    for name, bounds in DEPENDENCIES.items():
        if not check_one(name, bounds):
            untested.append(name)
    mmcv = [name for name in MMCV if installed_version(name)]
    for name in mmcv or ['mmcv-lite']:  # the small build suffices
        check_one(name, MMCV[name])
    if untested and _is_main_process():
        _warn_of(untested)


def installed_version(name: str) -> str:
    """Version of an installed distribution; '' if it is absent."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ''


def torch_version() -> tuple[int, int]:
    """Major and minor version of torch."""
    import torch

    major, minor = torch.__version__.split('.')[:2]
    return int(major), int(minor)


def check_one(name: str, bounds: tuple[str, str]) -> bool:
    """Whether a package is in its range; False if it may be newer, and is.

    Raises:
        ImportError: see :func:`check_versions`.
    """
    from packaging.specifiers import SpecifierSet

    low, high = bounds
    installed = installed_version(name)
    wanted = f'{name}>={low},<{high}'
    if not installed:
        raise ImportError(
            f'bike_mmaction needs {wanted}, which is not '
            f'installed. Run: pip install "{wanted}"'
        )
    # pip's own rules: a local build such as 2.12.1+cpu counts as 2.12.1.
    old_enough = SpecifierSet(f'<{high}').contains(installed, prereleases=True)
    new_enough = SpecifierSet(f'>={low}').contains(installed, prereleases=True)
    if not new_enough or not (old_enough or name in MAY_BE_NEWER):
        raise ImportError(
            f'bike_mmaction needs {wanted}, but {name} {installed} '
            f'is installed. Run: pip install "{wanted}"'
        )
    return old_enough


def _warn_of(names: list[str]) -> None:
    ranges = ', '.join('{}>={},<{}'.format(name, *DEPENDENCIES[name]) for name in names)
    installed = ', '.join(f'{name} {installed_version(name)}' for name in names)
    warnings.warn(
        f'bike_mmaction is tested with {ranges}, not yet with {installed}. If '
        'something goes wrong, try the tested versions; to silence this: export '
        "PYTHONWARNINGS='ignore:bike_mmaction is tested'"
    )


def _is_main_process() -> bool:
    """Whether this is neither a worker nor another rank than the first."""
    rank = os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0'))
    return multiprocessing.parent_process() is None and rank == '0'
