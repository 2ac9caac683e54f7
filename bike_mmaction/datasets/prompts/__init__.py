"""Prompts: sentences with ``{}`` for the name of a class."""

import os.path as osp
from collections.abc import Sequence
from typing import Union

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
    if not isinstance(source, str):
        prompts = list(source)
    elif source in BUILT_IN:
        prompts = _read(osp.join(_HERE, f'{source}.txt'))
    elif '{}' not in source and osp.isfile(source):
        prompts = _read(source)
    else:
        prompts = [source]
    if not prompts:
        raise ValueError(f'prompt={source!r} is empty')
    for prompt in prompts:
        if not isinstance(prompt, str) or prompt.count('{}') != 1:
            raise ValueError(
                f"prompt={prompt!r} must contain '{{}}' once, for the class "
                f'name, or be one of {BUILT_IN} or the path of a file'
            )
    return prompts


def _read(path: str) -> list[str]:
    with open(path, encoding='utf-8') as file:
        return [line.strip() for line in file if line.strip()]
