"""Names of classes as people have them, made text that CLIP reads."""

import re
import unicodedata
from collections.abc import Sequence

_CAMEL = re.compile(r'(?:[A-Z][a-z0-9]+){2,}')  # ApplyEyeMakeup
_NO_WORDS = re.compile(r'(?:[a-zA-Z]?\d+|class[ _-]?\d+)')
_NO_TEXT = re.compile('[\ud800-\udfff]')  # bytes that are no UTF-8, in names of files
_COMMENT = re.compile('#(?= |$)')  # which begins one in classes.txt


def readable_name(label: str) -> str:
    """A label as text: ``playing_chess`` and ``PlayingChess`` get spaces.

    Each name can be a line of classes.txt: it is not empty, and no comment.
    """
    text = unicodedata.normalize('NFC', _NO_TEXT.sub('\ufffd', label))
    text = ' '.join(text.replace('_', ' ').split())
    if _CAMEL.fullmatch(text):
        text = re.sub(r'(?<=[a-z0-9])(?=[A-Z])', ' ', text)
    if _COMMENT.match(text):
        text = f'number{text[1:]}'
    return text or label.strip() or 'no name'


def says_nothing(name: str) -> bool:
    """Whether a name is a number, such as '007' or 'class_3': no words."""
    return bool(_NO_WORDS.fullmatch(name.strip().lower()))


def same_name(name: str) -> str:
    """What names have in common that differ in case, spaces and underscores."""
    return ' '.join(name.replace('_', ' ').split()).casefold()


def merge_names(
    labels: Sequence[str], tokens: Sequence[tuple[int, ...]]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Give each label the name of a class.

    Args:
        labels (Sequence[str]): Those with the most clips first: of some that
            CLIP sees as equal, the first names them.
        tokens (Sequence[tuple[int, ...]]): What the text encoder reads of
            ``readable_name`` of each.

    Returns:
        tuple: The names by label. And pairs of names that differ, though the
        text encoder reads the same of both, such as where their ends are cut.
    """
    by_tokens: dict[tuple[int, ...], str] = {}
    by_name: dict[str, str] = {}
    names: dict[str, str] = {}
    alike: list[tuple[str, str]] = []
    for label, read in zip(labels, tokens):
        name = readable_name(label)
        known = by_name.setdefault(same_name(name), name)
        names[label] = known
        other = by_tokens.setdefault(read, known)
        if same_name(other) != same_name(known):
            alike.append((other, known))
    return names, alike
