"""What is printed: names of files, classes and phrases cannot steer a terminal.

Whoever names a file or a class may put signs into it that move the cursor,
hide text or change the window's title. In the terminal and in logs such signs
are shown as ``\\x1b``; files keep them.
"""

import argparse
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Control characters but for the tab and the end of a line, signs that turn
# the direction of text, further ends of lines, and halves of characters, of
# which names of files that are no UTF-8 are made.
_SIGNS = re.compile(
    '[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069'
    '\ud800-\udfff]'
)


def printable(text: Any, in_one_line: bool = False) -> str:
    """Text with signs that steer a terminal as their codes.

    Args:
        text: What ``str`` makes text of.
        in_one_line (bool): Whether ends of lines are such signs too. Defaults
            to False.
    """
    text = _SIGNS.sub(lambda match: ascii(match[0])[1:-1], str(text))
    return text.replace('\n', '\\n') if in_one_line else text


def say(*values: Any, **options: Any) -> None:
    """``print`` of :func:`printable` texts."""
    print(*map(printable, values), **options)


def tame(parser: argparse.ArgumentParser) -> None:
    """Let a parser print what is printable alone, such as of a wrong option."""
    original = parser._print_message

    def print_message(message: str, file: Any = None) -> None:
        original(printable(message or ''), file)

    vars(parser).update(_print_message=print_message)


@contextmanager
def printable_warnings() -> Iterator[None]:
    """While this is entered, warnings are printed in :func:`printable` text."""
    original = warnings.formatwarning

    def formatwarning(message: Any, *args: Any, **kwargs: Any) -> str:
        return printable(original(message, *args, **kwargs))

    vars(warnings).update(formatwarning=formatwarning)
    try:
        yield
    finally:
        vars(warnings).update(formatwarning=original)


def clock(seconds: float, digits: int = 0) -> str:
    """Such as '2.4 s', '1:02' or '1:00:05'.

    Args:
        seconds (float): Not negative.
        digits (int): Behind the seconds, from a minute on. Defaults to 0; with
            1 it is '1:02.3'.
    """
    if seconds < 59.95:
        return f'{seconds:.1f} s'
    minutes, rest = divmod(round(seconds, digits), 60)
    hours, minutes = divmod(int(minutes), 60)
    begin = f'{hours}:{minutes:02}' if hours else f'{minutes}'
    return f'{begin}:{rest:0{3 + digits if digits else 2}.{digits}f}'
