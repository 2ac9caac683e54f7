"""Prompts: sentences with ``{}`` for the name of a class."""

import os.path as osp
from collections.abc import Sequence
from typing import Union

from ...text_files import read_lines, shorten

_HERE = osp.dirname(__file__)
BUILT_IN = ('actions',)


def load_prompts(source: Union[str, Sequence[str]]) -> list[str]:
    """One prompt, or several for an ensemble.

    Args:
        source (str | Sequence[str]): A prompt, 'actions' (eight prompts of
            this project), a file with a prompt a line, or the prompts.

    Returns:
        list[str]: The prompts.

    Raises:
        ValueError: if there are none, or one has no ``{}``, or several.
    """
    places: Sequence[str] = ()
    if not isinstance(source, str):
        prompts = list(source)
    elif source in BUILT_IN:
        prompts, places = _read(osp.join(_HERE, f'{source}.txt'))
    elif '{}' not in source and osp.isfile(source):
        prompts, places = _read(source)
    else:
        prompts = [source]
    if not prompts:
        raise ValueError(f'prompt={source!r} is empty')
    for number, prompt in enumerate(prompts):
        if not isinstance(prompt, str) or prompt.count('{}') != 1:
            place = places[number] if places else ''
            raise ValueError(
                f"{place}prompt={shorten(prompt)} must contain '{{}}' once, for the "
                f'class name, or be one of {BUILT_IN} or the path of a file'
            )
    return prompts


def _read(path: str) -> tuple[list[str], list[str]]:
    """The prompts of a file, and the place of each."""
    numbered = list(read_lines(path))
    places = [f"'{path}' line {number}: " for number, _ in numbered]
    return [line for _, line in numbered], places
