"""Types of arguments: a value that cannot be is refused before any work.

What argparse then says names the option, the value and what is expected.
"""

import argparse
import math
import os.path as osp
from typing import Any, Callable, Optional

from ..shipped import CLIP_CONFIG, HUB, LOCAL

MAX_PORT, MAX_SEED = 2**16 - 1, 2**32 - 1


def checked(read: Callable[[str], Any]) -> Callable[[str], str]:
    """A type that keeps the text, and refuses what cannot be read."""

    def check(text: str) -> str:
        try:
            read(text)
        except (OSError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return check


def whole(text: str, least: int, most: float = math.inf) -> int:
    """A whole number of a range, its ends included."""
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        end = '' if most == math.inf else f' to {most}'
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a whole number from {least}{end or " on"}'
        )
    return value


def count(text: str) -> int:
    """Of things of which there is one at least."""
    return whole(text, 1)


def number(text: str) -> int:
    """Of things of which there may be none."""
    return whole(text, 0)


def port(text: str) -> int:
    """Of a network."""
    return whole(text, 1, MAX_PORT)


def seed(text: str) -> int:
    """Of numpy's random numbers."""
    return whole(text, 0, MAX_SEED)


def positive(text: str) -> float:
    """A finite number above 0, such as seconds."""
    value = _real(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number above 0')
    return value


def limit(text: str) -> float:
    """A number above 0, also inf: no limit."""
    value = _real(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number above 0, nor inf')
    return value


def amount(text: str) -> float:
    """A finite number from 0 on, such as seconds."""
    value = _real(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number from 0 on')
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = _real(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not in [0, 1]')
    return value


def check_value(
    parser: argparse.ArgumentParser, option: str, value: Any, kind: Callable[[str], Any]
) -> None:
    """Refuse a value that was read by MMAction2's own type; None may be."""
    if value is None:
        return
    try:
        kind(str(value))
    except argparse.ArgumentTypeError as error:
        parser.error(f'argument {option}: {error}')


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def check_pretrained(name: Optional[str]) -> None:
    """Refuse ``--pretrained`` that is neither a file nor a folder of weights.

    Raises:
        FileNotFoundError: if it does not exist, as far as can be known here.
    """
    path = (name or '').removeprefix(LOCAL)
    places = (path, osp.join(path, CLIP_CONFIG))
    if name and not name.startswith(HUB) and not any(map(osp.isfile, places)):
        raise FileNotFoundError(
            f"--pretrained '{name}' does not exist; it must be a file "
            f"with CLIP's weights, or a folder with an {CLIP_CONFIG}"
        )
