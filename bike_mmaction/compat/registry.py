"""Remedies for faults of other packages: declared, applied once, listed.

A remedy is a function behind the decorator :func:`remedy`, which tells the
package, the versions with the fault and what is wrong with them. It is
applied only where such a version is installed. The environment variable
``BIKE_NO_REMEDY`` switches remedies off: their names, separated by commas, or
``all``, which are those that this package can be imported without.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from types import ModuleType
from typing import Callable, Optional

from .versions import installed_version

SWITCH = 'BIKE_NO_REMEDY'
APPLIED = 'applied'


@dataclass
class Remedy:
    """A declared remedy.

    Attributes:
        name (str): Of its function; ``BIKE_NO_REMEDY`` takes it.
        package (str): The distribution that it repairs, as pip calls it.
        versions (str): Those with the fault, such as ``'<=0.10.7'``.
        mends (str): What is wrong without it.
        apply (Callable): Applies it. Returns None, or a str: why there was
            nothing to do.
        for_import (bool): Whether it is for the import of this package.
        outcome (str): ``'applied'``, or why it is not.
    """

    name: str
    package: str
    versions: str
    mends: str
    apply: Callable[[], Optional[str]]
    for_import: bool = False
    outcome: str = 'not applied yet'

    def __str__(self) -> str:
        return (
            f'{self.name} for {self.package}{self.versions}: {self.outcome} '
            f'(without it: {self.mends})'
        )


_DECLARED: dict[str, Remedy] = {}


def remedy(
    package: str, versions: str, mends: str, for_import: bool = False
) -> Callable:
    """Declare the decorated function as a remedy, see :class:`Remedy`.

    Args:
        package (str): The distribution that it repairs, as pip calls it.
        versions (str): Those with the fault, in pip's notation.
        mends (str): What is wrong without it, in one line.
        for_import (bool): Whether it is for the import of this package.
            Defaults to False.
    """

    def declare(apply: Callable[[], Optional[str]]) -> Callable[[], Optional[str]]:
        name = apply.__name__
        _DECLARED[name] = Remedy(name, package, versions, mends, apply, for_import)
        return apply

    return declare


def remedies() -> list[Remedy]:
    """All declared remedies, in the order in which they are applied.

    Those for the import first: others import MMAction2's models.
    """
    return sorted(_DECLARED.values(), key=lambda declared: not declared.for_import)


def apply_remedies() -> None:
    """Apply every declared remedy that was not applied yet.

    Warns of names in ``BIKE_NO_REMEDY`` that no remedy has.
    """
    switched_off = _switched_off()
    for declared in remedies():
        if declared.outcome != APPLIED:
            declared.outcome = _apply(declared, switched_off)


def _apply(declared: Remedy, switched_off: set[str]) -> str:
    """Apply a remedy where it should be; its outcome."""
    from packaging.specifiers import SpecifierSet

    installed = installed_version(declared.package)
    if not installed:
        return f'{declared.package} is not installed'
    if not SpecifierSet(declared.versions).contains(installed, prereleases=True):
        return f'not for {declared.package} {installed}'
    if declared.name in switched_off or (
        'all' in switched_off and not declared.for_import
    ):
        return f'switched off by {SWITCH}'
    return declared.apply() or APPLIED


def _switched_off() -> set[str]:
    names = {name.strip() for name in os.environ.get(SWITCH, '').split(',')} - {''}
    unknown = names - set(_DECLARED) - {'all'}
    if unknown:
        warnings.warn(
            f'{SWITCH} names {", ".join(sorted(unknown))}, but the remedies are: '
            f'{", ".join(_DECLARED)} (or all)'
        )
    return names


def replace(owner: object, name: str, make: Callable[[Callable], Callable]) -> None:
    """Replace a function of a class or module by one that uses it, once.

    Args:
        owner (type | ModuleType): Which has the function.
        name (str): Of the function.
        make (Callable): Takes the original function, returns the new one,
            which keeps the original as ``__wrapped__``.
    """
    original = getattr(owner, name)
    if getattr(original, '_is_bike_remedy', False):
        return  # of an earlier import of this package
    new = wraps(original)(make(original))
    new._is_bike_remedy = True  # type: ignore[attr-defined]
    is_static = isinstance(vars(owner).get(name), staticmethod)
    setattr(owner, name, staticmethod(new) if is_static else new)


@contextmanager
def replaced_meanwhile(
    modules: Sequence[ModuleType], name: str, make: Callable[[Callable], Callable]
) -> Iterator[None]:
    """While this is entered, modules have another function of this name.

    Args:
        modules (Sequence[ModuleType]): Where it is looked up; the first has it.
        name (str): Of the function.
        make (Callable): Takes the original function, returns the new one.
    """
    original = getattr(modules[0], name)
    new = wraps(original)(make(original))
    having = [m for m in modules if getattr(m, name, None) is original]
    for module in having:
        setattr(module, name, new)
    try:
        yield
    finally:
        for module in having:
            setattr(module, name, original)
