"""Names as people type them: in a command, or into the web page."""

import difflib
import os.path as osp
import re
from collections import Counter
from collections.abc import Sequence
from typing import Union

from .class_names import BUILT_IN
from .lexicon import IMAGENET

EXAMPLE = "a dog, 'playing, loudly', yoga"
# A field that is quoted as a whole. An apostrophe in a name is no quote, nor
# are those of a word at its begin, as in "'n' roll". It has an end, or else many
# open quotes in a long text take minutes.
_QUOTED = re.compile(
    r"""(?:^|(?<=[,;\n]))[ \t]*
        (?: "((?:[^"\n]|"")*)"
          | '(?![^,;\n']*'(?!\w)[ \t]*[^ \t,;\n])([^\n]{0,1000}?)'
          | “([^”\n]{0,1000})” )
        [ \t]*(?=[,;\n]|$)""",
    re.VERBOSE,
)
_OPEN = re.compile(r'(?:^|[,;\n])[ \t]*("[^"]*|“[^”]{0,1000})$')


# Longer than others for its description.
def split_names(text: str) -> list[str]:
    """Part typed text into names.

    A line each; or one line, parted by semicolons, or else by commas. What
    does not part the names belongs to them. A name with commas is also put
    into quotes, as in csv: then, or where a line ends with a comma or
    semicolon, lines, commas and semicolons all part the names.

    Args:
        text (str): Such as "a dog, 'playing, loudly', yoga".

    Returns:
        list[str]: The names, without quotes and spaces around them.

    Raises:
        ValueError: if there are none, a quote is opened and not closed, or a
            name is repeated.
    """
    text = '\n'.join(text.replace('\0', '').strip().splitlines())
    opened = _OPEN.search(text)
    if opened:
        raise ValueError(
            'the quote before '
            f'{opened[1][1:].strip()[:40]!r} is not '
            f'closed; names with commas are typed as {EXAMPLE}'
        )
    text, quoted = _put_aside(text)
    parting = '\n;,'
    if not quoted and not re.search(r'[,;][ \t]*\n', text):
        parting = next((sign for sign in parting if sign in text), ',')
    fields = [field.strip(' \t,;') for field in re.split(f'[{parting}]', text)]
    names = [
        re.sub('\0([0-9]+)\0', lambda match: quoted[int(match[1])], field)
        for field in fields
    ]
    names = [name.strip() for name in names if name.strip()]
    if not names:
        raise ValueError(
            f'there are no names: name at least one class or phrase, such as: {EXAMPLE}'
        )
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ValueError(f'named more than once: {", ".join(repeated)}')
    return names


def _put_aside(text: str) -> tuple[str, list[str]]:
    """The text with a number between zero bytes for each quoted name, and
    these names."""
    quoted: list[str] = []

    def number_of(match: re.Match) -> str:
        double, *others = match.groups()
        name = next((name for name in others if name is not None), None)
        quoted.append(double.replace('""', '"') if name is None else name)
        return f'\0{len(quoted) - 1}\0'

    return _QUOTED.sub(number_of, text), quoted


def join_names(names: Sequence[str]) -> str:
    """Text that :func:`split_names` parts into these names, a line each.

    Args:
        names (Sequence[str]): All of them different, or none at all.
    """
    text = '\n'.join(names)
    if not text:
        return text
    if split_names(text) == list(names):
        return text
    return '\n'.join('"{}"'.format(name.replace('"', '""')) for name in names)


def read_classes(text: str) -> Union[str, Sequence[str]]:
    """Class names as typed.

    Args:
        text (str): A file or a built-in list; or names, see
            :func:`.split_names`.

    Returns:
        str | list[str]: Where they are, or the names.

    Raises:
        ValueError: as :func:`.split_names`, or if one name is nearly that of
            a built-in list.
    """
    lists = (*BUILT_IN, IMAGENET)
    if text in lists or osp.isfile(text):
        return text
    names = split_names(text)
    near = difflib.get_close_matches(names[0].lower(), lists, 1, 0.8)
    if len(names) == 1 and near:
        raise ValueError(
            f"'{names[0]}' is neither a file nor a built-in list of names; did you "
            f"mean '{near[0]}'? The lists are {', '.join(lists)}"
        )
    is_file = osp.sep in text or text.endswith(('.txt', '.csv'))
    if is_file and names == [text.strip()]:
        return text  # a file that is absent, which will be told
    return names
