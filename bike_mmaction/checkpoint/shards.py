"""Weights in several files, with an index that says which tensor is where."""

import os.path as osp
import re

from ..text_files import read_json, shorten

INDEX = '.safetensors.index.json'
_SHARD = re.compile(r'[\w-][\w.-]*\.safetensors')


def read_index(path: str) -> dict[str, str]:
    """The file of each tensor, all of them beside the index.

    Args:
        path (str): Such as 'model.safetensors.index.json'.

    Raises:
        TextError: if it is no JSON.
        ValueError: if it is no index, or names what cannot be such a file.
    """
    content = read_json(path)
    places = content.get('weight_map') if isinstance(content, dict) else None
    if not isinstance(places, dict) or not places:
        raise ValueError(
            "expected an object with a 'weight_map', which has a file for each tensor"
        )
    for file in set(map(str, places.values())):
        if not _SHARD.fullmatch(file):
            raise ValueError(
                f'{shorten(file)} is no file beside it that ends with .safetensors'
            )
    return {name: str(file) for name, file in places.items()}


def shards_of(path: str) -> list[str]:
    """Paths of the files that an index names, in their order."""
    folder = osp.dirname(path)
    return [osp.join(folder, file) for file in sorted(set(read_index(path).values()))]
