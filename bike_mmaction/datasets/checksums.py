"""Checksums of the videos of a data set: whether any has changed since.

Damage to the inside of a picture is not seen by any decoder. A file of
checksums beside the list, as `sha256sum` writes it, tells of it.
"""

import os
import os.path as osp
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Optional

from mmaction.registry import DATASETS
from tqdm import tqdm

from ..errors import TextError
from ..files import file_sha256, sha256, source_of, write_json, write_lines
from ..shards import ShardError, read_member
from ..terminal import say
from ..text_files import PATHS, raw_lines, shorten
from .checking import usable_list

_LINE = re.compile(r'(\\?)([0-9a-fA-F]{64}) [ *](.+)')
_ESCAPES = {'\\\\': '\\', '\\n': '\n', '\\r': '\r'}
_NAMED = 20  # files of a kind that are printed; the report has all


class Differences(NamedTuple):
    """Files that are not what a file of checksums says.

    Attributes:
        changed (list[str]): With another content.
        new (list[str]): Of which it says nothing.
        missing (list[str]): Of which it tells, but that cannot be read, or
            that the list does not name.
    """

    changed: list[str]
    new: list[str]
    missing: list[str]


def files_of(infos: Iterable[dict]) -> list[str]:
    """The files of entries, each once; of a folder of frames all that are in it."""
    files: dict[str, None] = {}
    for source in dict.fromkeys(source_of(info) for info in infos):
        if osp.isdir(source):
            names = sorted(entry.name for entry in os.scandir(source))
            files.update(dict.fromkeys(osp.join(source, name) for name in names))
        else:
            files[source] = None
    return [file for file in files if not osp.isdir(file)]


def digests_of(files: Sequence[str], workers: int = 8) -> dict[str, str]:
    """SHA-256 of files in hexadecimal digits; without those that cannot be read.

    Args:
        files (Sequence[str]): Their paths.
        workers (int): Files that are read at once. Defaults to 8.
    """
    with ThreadPoolExecutor(workers) as pool:
        digests = list(
            tqdm(
                pool.map(_digest, files),
                desc='checksums',
                total=len(files),
                disable=None,
            )
        )
    return {file: digest for file, digest in zip(files, digests) if digest}


def _digest(path: str) -> str:
    try:
        content = read_member(path)
        return file_sha256(path) if content is None else sha256(content)
    except (OSError, ShardError):
        return ''


def write_checksums(path: str, digests: dict[str, str]) -> None:
    """Write a file that `sha256sum -c` reads, too."""
    write_lines(path, [_line(file, digest) for file, digest in digests.items()])


def _line(file: str, digest: str) -> str:
    escaped = file.replace('\\', '\\\\').replace('\n', '\\n').replace('\r', '\\r')
    return f'{"" if escaped == file else chr(92)}{digest}  {escaped}'


def read_checksums(path: str) -> dict[str, str]:
    """Digests by file, of what `bike check-videos` or `sha256sum` has written.

    Raises:
        OSError: if it cannot be read.
        TextError: if a line is none of these; names file and line.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(raw_lines(path, PATHS), 1):
        match = _LINE.fullmatch(line.rstrip('\r\n'))
        if not line.strip():
            continue
        if match is None:
            raise TextError(
                f"'{path}' line {number}: expected 64 hexadecimal digits, two spaces "
                f'and a file, as `sha256sum` writes them, got {shorten(line)}'
            )
        is_escaped, digest, file = match.groups()
        if is_escaped:
            file = re.sub(r'\\[\\nr]', lambda escape: _ESCAPES[escape[0]], file)
        if digests.setdefault(file, digest.lower()) != digest.lower():
            raise TextError(
                f"'{path}' line {number}: another checksum of {shorten(file)} "
                'than in a line before; write the file anew with --checksums'
            )
    return digests


def compare(known: dict[str, str], digests: dict[str, str]) -> Differences:
    """What has changed.

    Args:
        known (dict[str, str]): Of :func:`read_checksums`.
        digests (dict[str, str]): Of :func:`digests_of`.
    """
    return Differences(
        [f for f, digest in digests.items() if known.get(f, digest) != digest],
        [file for file in digests if file not in known],
        [file for file in known if file not in digests],
    )


def check_sums(
    config: dict,
    checksums: Optional[str] = None,
    against: Optional[str] = None,
    out: Optional[str] = None,
    workers: int = 8,
) -> bool:
    """Write the checksums of a data set, or compare them; print what came of it.

    Args:
        config (dict): Of the data set.
        checksums (str, optional): A file to write.
        against (str, optional): A file that was written so, to compare with.
        out (str, optional): The list of usable entries, beside which lies the
            report of a comparison. Defaults to None: as :func:`.check_list`.
        workers (int): Files that are read at once. Defaults to 8.

    Returns:
        bool: Whether there is no difference.
    """
    known = read_checksums(against) if against else {}
    dataset = DATASETS.build(dict(config, pipeline=[], lazy_init=True))
    dataset.full_init()
    files = files_of(dataset.get_data_info(number) for number in range(len(dataset)))
    digests = digests_of(files, workers)
    if checksums:
        write_checksums(checksums, digests)
        say(f'written: {checksums}, checksums of {len(digests)} files')
    if not against:
        return True
    differences = compare(known, digests)
    report = f'{usable_list(dataset.ann_file, out)}.checksums.json'
    write_json(report, dict(against=against, **differences._asdict()))
    _print(differences, len(digests), against, report)
    return not any(differences)


def _print(differences: Differences, count: int, against: str, report: str) -> None:
    """The counts, the first files of each kind, and where all of them are."""
    counts = ', '.join(f'{len(v)} {k}' for k, v in differences._asdict().items())
    say(f'{against}: {count} files, {counts}')
    for kind, files in differences._asdict().items():
        for file in files[:_NAMED]:
            say(f'{kind}: {file}')
        if len(files) > _NAMED:
            say(f'{kind}: {len(files) - _NAMED} more')
    say(f'written: {report}')
