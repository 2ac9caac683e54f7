"""Lexicons: the phrases that may become attributes of a video."""

from collections.abc import Sequence
from typing import Union

from .class_names import BUILT_IN, load_class_names

IMAGENET = 'imagenet1k'


def load_lexicon(source: Union[str, Sequence[str]]) -> list[str]:
    """Phrases of a lexicon (section 2.2, Table 6g).

    Args:
        source (str | Sequence[str]): 'imagenet1k' (open_clip's names of its
            1000 classes, two of which bear the name of another: 998
            phrases), a built-in list of class names, the path of a file (a
            phrase a line), or the phrases themselves.

    Returns:
        list[str]: The phrases.

    Raises:
        ValueError: if ``source`` is none of these, or a phrase is empty or
            repeated; names the line.
    """
    if isinstance(source, str) and source == IMAGENET:
        from open_clip import IMAGENET_CLASSNAMES  # which imports torch

        return list(dict.fromkeys(IMAGENET_CLASSNAMES))
    return load_class_names(source, what='lexicon', built_in=(IMAGENET, *BUILT_IN))
