"""Files: written whole or not at all, told apart by digests, named by kind."""

import errno
import glob
import hashlib
import json
import os
import os.path as osp
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Optional, Protocol, Union

from .errors import WriteError

VIDEO_EXTENSIONS = tuple(
    '.mp4 .avi .mkv .webm .mov .m4v .mpg .mpeg .wmv .flv .3gp .ogv .ts'.split()
)

# What a disk says of itself, without the name of a file.
_OF_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
DRAFT = '.unfinished-'  # begins the names of files that are being written


@contextmanager
def replaced(path: Union[str, os.PathLike], durable: bool = True) -> Iterator[str]:
    """Write a file in one step: whoever reads it never sees half of it.

    Yields a path beside it, with the same extension, to write to. It takes
    the place of ``path`` at the end, and is removed if the writing fails. A
    link goes on to point to its file; a device is written to as it is.

    Args:
        path (str | PathLike): The file; its folder is made.
        durable (bool): Whether to wait until it is on the disk, so that not
            even a power cut leaves half of it. Defaults to True.

    Raises:
        WriteError: if the disk is full, or the place cannot be written to;
            names ``path``, not the other.
    """
    path = osp.realpath(path)
    if osp.exists(path) and not osp.isfile(path):
        with writing(path):
            yield path  # such as /dev/null; a folder cannot be opened
        return
    folder, name = osp.split(path)
    draft = osp.join(folder, f'{DRAFT}{os.getpid()}-{name}')
    try:
        with writing(path, draft):
            os.makedirs(folder, exist_ok=True)
            yield draft
            if durable:
                flush(draft)
            os.replace(draft, path)
            if durable:
                flush(folder)
    finally:
        with suppress(OSError):  # of what is there no more, or never was
            os.remove(draft)


@contextmanager
def writing(path: str, draft: str = '') -> Iterator[None]:
    """Name a file in the error of whatever fails to write it.

    Args:
        path (str): The file.
        draft (str): What is written in its place, and may be a folder.

    Raises:
        WriteError: if an error is of the disk, or of ``draft``.
    """
    try:
        yield
    except WriteError:
        raise
    except Exception as error:  # torch, safetensors and others have their own
        number, reason = _fault_of_disk(error)
        if isinstance(error, OSError) and not number:
            named = str(error.filename or '')
            inside = draft and named.startswith(osp.join(draft, ''))
            above = path.startswith(osp.join(named, ''))
            if named and (inside or above or named in (path, draft)):
                number, reason = error.errno or 0, str(error.strerror)
                if isinstance(error, (FileExistsError, NotADirectoryError)):
                    reason = f"'{named}' is not a folder"
        if not number:
            raise
        raise WriteError(number, f"cannot write '{path}': {reason}") from error


def _fault_of_disk(error: Exception) -> tuple[int, str]:
    """Number and text of what a disk says of itself; 0 for other errors."""
    cause: Optional[BaseException] = error
    while cause is not None:
        told = re.search(r'os error (\d+)', str(cause))  # of Rust
        number = int(told[1]) if told else getattr(cause, 'errno', None)
        if number in _OF_DISK:
            return number, os.strerror(number)
        cause = cause.__cause__ or cause.__context__
    return 0, ''


def flush(path: str) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name != 'posix' and osp.isdir(path):
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # of some file systems
            raise
    finally:
        os.close(number)


def remove_drafts(folder: str, ending: str) -> list[str]:
    """Remove what killed processes have left of files that they wrote.

    Args:
        folder (str): Where nobody else writes such files now.
        ending (str): Of their names, such as '.pth'.

    Returns:
        list[str]: The names of the removed files.
    """
    drafts = glob.glob(osp.join(glob.escape(folder), f'{DRAFT}*{ending}'))
    for draft in drafts:
        with suppress(FileNotFoundError):
            os.remove(draft)
    return [osp.basename(draft) for draft in drafts]


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


def replace_durably(draft: str, path: str) -> None:
    """Let a finished file take the place of another; on the disk, too."""
    with writing(path, draft):
        os.replace(draft, path)
        flush(osp.dirname(osp.abspath(path)))


def write_text(path: str, text: str) -> None:
    """Write a text file (UTF-8) in one step."""
    with replaced(path) as draft, open(draft, 'w', encoding='utf-8') as file:
        file.write(text)


def write_lines(path: str, lines: Iterable[str]) -> None:
    """Write a text file of these lines in one step."""
    write_text(path, ''.join(f'{line}\n' for line in lines))


def write_json(path: str, content: Any) -> None:
    """Write JSON in one step; tensors and arrays in it become lists.

    Bytes of names that are no UTF-8 become escapes, which JSON reads back.
    """
    errors = 'backslashreplace'
    with (
        replaced(path) as draft,
        open(draft, 'w', encoding='utf-8', errors=errors) as file,
    ):
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
