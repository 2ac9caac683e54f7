"""What was found, and how it is shown.

Nothing here, nor in ``machine.py`` and ``packages.py``, imports torch or
MMEngine at the top: it must run where they are broken.
"""

import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ..terminal import printable

OK, WARNING, ERROR = 'ok', 'warning', 'error'
_COLORS = {OK: '\033[32m', WARNING: '\033[33m', ERROR: '\033[31m'}
_MOST = 400  # characters of a message


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        subject (str): What it is.
        state (str): 'ok', 'warning' or 'error'.
        text (str): What was found, in one line.
        cure (str): The command or the change that mends it; '' if ok.
    """

    subject: str
    state: str
    text: str
    cure: str = ''


Check = Callable[[], Iterable[Finding]]


def look(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """The findings of all checks; what a check raises is one as well.

    Args:
        checks: Each with its subject.
    """
    for subject, check in checks:
        logging.disable(logging.WARNING)  # findings say it
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                yield from check()
        except Exception as error:
            yield failed(subject, error)
        finally:
            logging.disable(logging.NOTSET)


def failed(subject: str, error: BaseException, state: str = ERROR) -> Finding:
    """The finding that an error is; a `Run: ...` at its end is the cure."""
    text, _, cure = one_line(error).partition(' Run: ')
    name = type(error).__name__
    plain = isinstance(error, (OSError, ValueError, RuntimeError))
    return Finding(subject, state, text if plain and text else f'{name}: {text}', cure)


def one_line(error: BaseException) -> str:
    """The text of an error without its further lines, and not too long."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = re.sub(r'\s+', ' ', lines[0])
    return text if len(text) <= _MOST else text[:_MOST] + ' ...'


def show(finding: Finding, width: int, colored: bool) -> str:
    """A line of text.

    Args:
        finding (Finding): What to show.
        width (int): Characters of the longest subject.
        colored (bool): Whether it is for a terminal.
    """
    state = f'{finding.state:<7}'
    if colored:
        state = f'{_COLORS[finding.state]}{state}\033[0m'
    cure = f'. To mend it: {finding.cure}' if finding.cure else ''
    subject = printable(f'{finding.subject:<{width}}', in_one_line=True)
    text = finding.text.rstrip('.') if cure else finding.text
    return f'{state}  {subject}  {printable(text + cure, in_one_line=True)}'


def summary(findings: Sequence[Finding]) -> str:
    """How many there are of each kind."""
    counts = [sum(f.state == state for f in findings) for state in (ERROR, WARNING)]
    words = [
        f'{n} {word}{"" if n == 1 else "s"}'
        for n, word in zip(counts, (ERROR, WARNING))
    ]
    return f'{len(findings)} findings: {", ".join(words)}'
