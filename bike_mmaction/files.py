"""Files: written whole or not at all, told apart by digests, named by kind."""

import hashlib
import json
import os
import os.path as osp
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol, Union

VIDEO_EXTENSIONS = tuple(
    '.mp4 .avi .mkv .webm .mov .m4v .mpg .mpeg .wmv .flv .3gp .ogv .ts'.split()
)


@contextmanager
def replaced(path: Union[str, os.PathLike]) -> Iterator[str]:
    """Write a file in one step: whoever reads it never sees half of it.

    Yields a path beside it, with the same extension, to write to. It takes
    the place of ``path`` at the end, and is removed if the writing fails. A
    link goes on to point to its file; a device is written to as it is.

    Args:
        path (str | PathLike): The file; its folder is made.
    """
    path = osp.realpath(path)
    if osp.exists(path) and not osp.isfile(path):
        yield path  # such as /dev/null; a folder cannot be opened
        return
    folder, name = osp.split(path)
    os.makedirs(folder, exist_ok=True)
    draft = osp.join(folder, f'.unfinished-{os.getpid()}-{name}')
    try:
        yield draft
        os.replace(draft, path)
    finally:
        with suppress(FileNotFoundError):
            os.remove(draft)


def require_file(path: str, what: str) -> None:
    """Refuse what is not there, or is a folder.

    Args:
        path (str): The file.
        what (str): What messages call it.

    Raises:
        FileNotFoundError, IsADirectoryError: naming it.
    """
    if osp.isdir(path):
        raise IsADirectoryError(f"{what} '{path}' is a folder, expected a file")
    if not osp.isfile(path):
        raise FileNotFoundError(f"{what} '{path}' does not exist")


def write_text(path: str, text: str) -> None:
    """Write a text file (UTF-8) in one step."""
    with replaced(path) as draft, open(draft, 'w', encoding='utf-8') as file:
        file.write(text)


def write_lines(path: str, lines: Iterable[str]) -> None:
    """Write a text file of these lines in one step."""
    write_text(path, ''.join(f'{line}\n' for line in lines))


def write_json(path: str, content: Any) -> None:
    """Write JSON in one step; tensors and arrays in it become lists."""
    with replaced(path) as draft, open(draft, 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=1, ensure_ascii=False, default=_plain)
        file.write('\n')


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, 'tolist') else str(value)


def sha256(content: Union[str, bytes]) -> str:
    """SHA-256 of a text (as UTF-8) or of bytes, in hexadecimal digits."""
    if isinstance(content, str):
        content = content.encode()
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: str) -> str:
    """SHA-256 of a file, which may be larger than the memory."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for part in iter(lambda: file.read(1 << 20), b''):
            digest.update(part)
    return digest.hexdigest()


def has_extension(name: str, extensions: Sequence[str] = VIDEO_EXTENSIONS) -> bool:
    """Whether a file has one of these extensions, in any case of letters.

    The ``._name`` files that macOS leaves beside others have none of them.
    """
    name = osp.basename(name)
    return name.lower().endswith(tuple(extensions)) and not name.startswith('._')


def without_video_extension(path: str) -> str:
    """A path without the extension of a video file, if it has one."""
    stem, extension = osp.splitext(path)
    return stem if extension.lower() in VIDEO_EXTENSIONS else path


class Info(Protocol):
    """What is known of a video: a dictionary, or MMAction2's data sample."""

    def get(self, key: str, default: Any = None) -> Any: ...


def is_stream(name: Union[int, str]) -> bool:
    """Whether this is a camera's number or a network address, not a file."""
    if isinstance(name, int):
        return True
    return (
        isinstance(name, str)
        and not osp.exists(name)
        and (name.isdigit() or '://' in name)
    )


def source_of(info: Info, default: Any = '?') -> Any:
    """The file of a video, or the folder of its frames.

    Args:
        info (dict | ActionDataSample): With ``filename`` or ``frame_dir``.
        default: What stands in place of both. Defaults to '?'.
    """
    return info.get('filename', info.get('frame_dir', default))
