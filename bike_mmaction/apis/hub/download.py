"""The folder of a shared model, downloaded where it is a repository of the Hub.

Of a repository only those files are asked for that a shared model has, all of
one commit. How it is downloaded, cached, tried again and how one logs in is
huggingface_hub's. This module knows neither torch nor MMAction2.
"""

import os.path as osp
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional, Union

from ...checkpoint.shards import read_index
from ...errors import SharedModelError
from ...files import file_sha256
from ...shipped import CLIP_CONFIG, HUB, SHARED_CONFIG, SHARED_INDEX
from ...terminal import printable
from ...text_files import cut
from ...version import __version__
from .content import read_content, refuse

Token = Union[bool, str, None]
_DIGEST = re.compile('[0-9a-f]{64}')


def is_of_hub(name: str) -> bool:
    """Whether a name is that of a repository, such as 'hf-hub:org/name'."""
    return name.startswith(HUB)


def local_model(name: str) -> str:
    """The folder of a model, downloaded if its name begins with 'hf-hub:'.

    Args:
        name (str): Such as 'hf-hub:org/name' or 'hf-hub:org/name@revision';
            whatever else is returned as it is.

    Raises:
        SharedModelError: if it cannot be downloaded.
    """
    return fetch(name) if is_of_hub(name) else name


def fetch(
    name: str,
    revision: Optional[str] = None,
    token: Token = None,
    cache_dir: Optional[str] = None,
    local_files_only: bool = False,
) -> str:
    """Download a shared model; the folder where it is cached.

    Args:
        name (str): Of the repository, 'org/name' or 'hf-hub:org/name'; and
            '@revision', if it is not given otherwise.
        revision (str, optional): Branch, tag or commit. Defaults to None: the
            newest of the main branch.
        token (str | bool, optional): As of huggingface_hub. Defaults to None:
            that of `hf auth login`, if there is one.
        cache_dir (str, optional): Defaults to None: that of huggingface_hub.
        local_files_only (bool): Whether to use nothing but what was
            downloaded before. Defaults to False.

    Raises:
        SharedModelError: if there is no such repository or revision, it is not
            for the caller, it holds no model of this package, or it cannot be
            downloaded; names it and the cure.
    """
    from huggingface_hub import hf_hub_download

    repository = name[len(HUB) :] if is_of_hub(name) else name
    if revision is None and '@' in repository:
        repository, _, revision = repository.partition('@')
    options: dict[str, Any] = dict(
        token=token,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
        library_name='bike_mmaction',
        library_version=__version__,
    )

    def get(file: str, of: Optional[str]) -> str:
        with _explained(repository, of, file, token):
            return hf_hub_download(repository, file, revision=of, **options)

    folder = osp.dirname(get(SHARED_CONFIG, revision))
    files = read_content(folder)['files']
    commit = osp.basename(folder)  # the same for all, whatever is pushed meanwhile
    for file in files:
        _check_digest(folder, file, get(file, commit))
    if SHARED_INDEX in files:
        _check_index(folder, files)
    return folder


def _check_index(folder: str, files: list[str]) -> None:
    """The files of the index are those that were downloaded."""
    try:
        named = set(read_index(osp.join(folder, SHARED_INDEX)).values())
    except ValueError as error:
        refuse(folder, SHARED_INDEX, str(error))
    absent = sorted(named - set(files))
    if absent:
        refuse(
            folder, SHARED_INDEX, f"{absent[0]!r} is not in 'files' of {SHARED_CONFIG}"
        )


def _check_digest(folder: str, file: str, path: str) -> None:
    """The cache calls large files by their SHA-256, which the Hub has told."""
    told = osp.basename(osp.realpath(path))
    if _DIGEST.fullmatch(told) and file_sha256(path) != told:
        refuse(
            folder,
            file,
            f'its content is not the one that the Hub has told (SHA-256 {told}): '
            f"remove '{osp.realpath(path)}', and download it again",
        )


@contextmanager
def _explained(
    repository: str, revision: Optional[str], file: str, token: Token
) -> Iterator[None]:
    """One line for whatever huggingface_hub says.

    Raises:
        SharedModelError: in place of its error.
    """
    try:
        yield
    except Exception as error:  # also those of the package that it calls by
        reason = _reason(error, repository, revision, file, token)
        what = printable(repository, in_one_line=True)
        raise SharedModelError(
            f"cannot download '{file}' of the model '{what}': {reason}"
        ) from error


def _reason(
    error: Exception, repository: str, revision: Optional[str], file: str, token: Token
) -> str:
    """What is wrong, and the cure."""
    from huggingface_hub import constants, errors

    place = f'{constants.ENDPOINT}/{repository}'
    if isinstance(error, errors.GatedRepoError):
        return (
            f'access is given on request only: ask for it at {place}, then log in '
            '(hf auth login), or give a token'
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f'there is no {place}, or it is private: look at the name, or log in '
            '(hf auth login), or give a token'
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f'it has no revision {revision!r}: no such branch, tag or commit'
    if isinstance(error, errors.LocalEntryNotFoundError):
        cause = error.__cause__ or error
        return (
            'it is not in the cache, and the Hub cannot be reached '
            f'({type(cause).__name__}: {_first_line(cause)}): look at the network, at '
            'HF_HUB_OFFLINE and at local_files_only; or name a folder'
        )
    if isinstance(error, errors.EntryNotFoundError):
        return _other_content(repository, revision, file, token)
    if isinstance(error, errors.HFValidationError):
        return "expected a name such as 'org/name', or an existing folder"
    return f'{type(error).__name__}: {_first_line(error)}'


def _other_content(
    repository: str, revision: Optional[str], file: str, token: Token
) -> str:
    """What a repository has in place of a file that it lacks."""
    from huggingface_hub import HfApi

    if file != SHARED_CONFIG:
        return f'the repository lacks this file, which its {SHARED_CONFIG} names'
    try:
        files = HfApi(token=token).list_repo_files(repository, revision=revision)
    except Exception:  # is of no importance here
        files = []
    if CLIP_CONFIG in files:
        return (
            'it is no model of bike_mmaction, but weights of a CLIP for open_clip: '
            f"name them in a config, pretrained='{HUB}{repository}'"
        )
    weights = [
        name for name in files if name.endswith(('.safetensors', '.bin', '.pth'))
    ]
    what = f'it has {cut(", ".join(weights), 80)}' if weights else 'it has no weights'
    return (
        f'it is no model of bike_mmaction, as push_to_hub writes them ({what}, but no '
        f'{SHARED_CONFIG})'
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return cut(lines[0], 200) if lines else ''
