"""The source archive of a release of MMAction2: fetched, and unpacked in part."""

import http.client
import os.path as osp
import shutil
import tarfile
import urllib.request
import zlib

from bike_mmaction.errors import WriteError
from bike_mmaction.files import replaced

URL = 'https://github.com/open-mmlab/mmaction2/archive/refs/tags/v{version}.tar.gz'
# What its tests use. The package too: the wheel of MMAction2 1.2.0 lacks a
# folder without which its models cannot be imported.
PARTS = tuple('mmaction tests configs tools demo'.split()) + (
    'model-index.yml',
    'dataset-index.yml',
)
BROKEN = (tarfile.TarError, EOFError, zlib.error)


class NotComparable(Exception):
    """The tests cannot be had, or not be run; says why and what to do."""


def fetch(url, path, timeout=30):
    """Download a file in one step.

    Args:
        url (str): Its address.
        path (str): Where it is written.
        timeout (float): Seconds to wait for an answer. Defaults to 30.

    Raises:
        NotComparable: naming the address.
    """
    try:
        answer = urllib.request.urlopen(url, timeout=timeout)
        with answer, replaced(path) as draft, open(draft, 'wb') as file:
            shutil.copyfileobj(answer, file)
            size, expected = file.tell(), answer.headers['Content-Length']
            if expected and size != int(expected):
                raise OSError(f'it ended after {size} of {expected} bytes')
    except WriteError as error:
        raise NotComparable(str(error)) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, 'reason', None) or error
        raise NotComparable(
            f'cannot fetch {url}: {reason}; fetch it where there is a network, '
            'and name it: --archive FILE'
        ) from error


def unpack(archive, folder):
    """Write what MMAction2's tests use into a folder.

    Links and files that would lie outside of it are left out.

    Args:
        archive (str): A tar file with one folder, such as ``mmaction2-1.2.0``.
        folder (str): It need not be there.

    Raises:
        NotComparable: if it cannot be read, or holds no tests.
    """
    safe = {'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                top, *parts = member.name.split('/')
                is_inside = top and parts and '..' not in parts
                if member.isfile() and is_inside and parts[0] in PARTS:
                    member.name = '/'.join(parts)
                    tar.extract(member, folder, **safe)
    except (OSError, *BROKEN) as error:
        reason = str(error).split('\n')[0].rstrip(':')
        raise NotComparable(
            f"cannot unpack '{archive}': {reason}; it must be a whole .tar.gz file"
        ) from error
    if not osp.isdir(osp.join(folder, 'tests')):
        raise NotComparable(
            f"'{archive}' holds no tests: it must be the source archive from "
            'GitHub, not that of the package registry'
        )
