"""What is in the folder of a shared model, as far as its files tell.

A shared model comes from a stranger. Its config is JSON, of which
:mod:`.allowed` says what may be in it; its files have the names below, and no
others are asked for or opened. This module knows neither torch nor MMAction2.
"""

import math
import os.path as osp
import re
from typing import Any, NoReturn, Union

from ...errors import SharedModelError, TextError
from ...shipped import SHARED_CONFIG, SHARED_INDEX, SHARED_WEIGHTS
from ...terminal import printable
from ...text_files import cut, read_json

FORMAT = 1  # of the config; a higher one is not known yet
CARD = 'README.md'
TOKENIZER, TOWER = 'tokenizer', 'text_model'  # folders, for those of Hugging Face
TOKENIZER_FILES = tuple(
    f'{TOKENIZER}/{name}' for name in ('tokenizer.json', 'tokenizer_config.json')
)
TOWER_FILE = f'{TOWER}/config.json'
ASSOCIATION = 'association.safetensors'  # weights of the CLIP that finds attributes
SHARD = re.compile(r'model-\d{5}-of-\d{5}\.safetensors')
KNOWN_FILES = (SHARED_WEIGHTS, SHARED_INDEX, ASSOCIATION, *TOKENIZER_FILES, TOWER_FILE)
# Keys of the config, and whether they must be there.
KEYS = dict(
    format=True,
    bike_mmaction=True,
    files=True,
    model=True,
    test_pipeline=True,
    threshold=False,
)
MOST_BYTES = 16 * 2**20  # of the config: names of classes take most of it
MOST_BYTES_OF_TOKENIZER = 128 * 2**20
DEEPEST = 20
MOST_SHARDS = 1000


def source_of(folder: str) -> str:
    """What messages call a shared model: its repository, if it has one."""
    path = osp.abspath(folder).replace('\\', '/')
    cached = re.search(r'/models--([^/]+)/snapshots/([0-9a-f]{7,})$', path)
    if cached:
        name = cached[1].replace('--', '/')
        return f"'{printable(name, in_one_line=True)}' (commit {cached[2][:7]})"
    return f"'{printable(folder, in_one_line=True)}'"


def refuse(folder: str, file: str, problem: str) -> NoReturn:
    """Tell what is wrong with a file of a shared model.

    Raises:
        SharedModelError: always; one line.
    """
    problem = cut(' '.join(str(problem).split()), 600)
    raise SharedModelError(
        f'the model {source_of(folder)} is refused: {file}: {problem}'
    )


def read_content(folder: str) -> dict[str, Any]:
    """The config of a shared model, of which only the outer form is checked.

    Args:
        folder (str): With a ``bike_config.json``.

    Raises:
        SharedModelError: if it is no such config, or names files that a shared
            model does not have.
    """
    content = read_object(folder, SHARED_CONFIG, MOST_BYTES)
    version = content.get('format')
    if isinstance(version, int) and version > FORMAT:
        refuse(
            folder,
            SHARED_CONFIG,
            f'its format {version} is newer than {FORMAT}, which this version of '
            'bike_mmaction knows: pip install -U bike_mmaction',
        )
    if version != FORMAT or isinstance(version, bool):
        refuse(folder, SHARED_CONFIG, f"'format' must be {FORMAT}, got {version!r}")
    absent = [key for key, needed in KEYS.items() if needed and key not in content]
    surplus = [key for key in content if key not in KEYS]
    if absent or surplus:
        refuse(
            folder,
            SHARED_CONFIG,
            f'its keys must be {", ".join(KEYS)}; '
            + (f'absent: {absent}' if absent else f'unknown: {surplus[:3]}'),
        )
    _check_files(folder, content['files'])
    return content


def _check_files(folder: str, files: Any) -> None:
    if not isinstance(files, list) or len(files) > MOST_SHARDS:
        refuse(folder, SHARED_CONFIG, "'files' must be a list of names")
    for file in files:
        if file not in KNOWN_FILES and not (
            isinstance(file, str) and SHARD.fullmatch(file)
        ):
            refuse(
                folder,
                SHARED_CONFIG,
                f'files: {cut(repr(file), 80)} is no file of a shared model, which '
                f'are {", ".join(KNOWN_FILES)}, and model-00001-of-00002.safetensors '
                'and the like',
            )


def read_object(folder: str, file: str, most: int) -> dict[str, Any]:
    """A JSON object, not too large and not too deep, of finite numbers.

    Raises:
        SharedModelError: if it is none, or the file does not exist.
    """
    path = osp.join(folder, file)
    if not osp.isfile(path):
        refuse(folder, file, 'the file does not exist')
    size = osp.getsize(path)
    if size > most:
        refuse(folder, file, f'has {size} bytes, more than the {most} that it may have')
    try:
        content = read_json(path)
    except (TextError, RecursionError) as error:
        refuse(folder, file, str(error).replace(f"'{path}' ", '') or 'is no JSON')
    except ValueError as error:  # of Python, such as for a number of many digits
        refuse(folder, file, f'is no JSON that can be read: {error}')
    if not isinstance(content, dict):
        refuse(folder, file, f'expected a JSON object, got {type(content).__name__}')
    problem = _check_values(content)
    if problem:
        refuse(folder, file, problem)
    return content


def _check_values(content: Union[dict, list]) -> str:
    """What is wrong with the values of JSON; '' if nothing is."""
    left: list[tuple[Any, int]] = [(content, 0)]
    while left:
        value, depth = left.pop()
        if depth > DEEPEST:
            return f'is nested more than {DEEPEST} levels deep'
        if isinstance(value, dict):
            left += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            left += [(part, depth + 1) for part in value]
        elif isinstance(value, float) and not math.isfinite(value):
            return f'has {value}, which is no finite number'
        elif isinstance(value, str) and re.search('[\ud800-\udfff]', value):
            return f'has {ascii(value)[:80]}, which is no Unicode text'
    return ''
