"""Which packages are installed, and whether they fit together."""

import platform
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module, metadata

from ..compat.versions import check_one, installed_version
from ..version import DEPENDENCIES, MMCV, __version__
from .findings import ERROR, OK, WARNING, Check, Finding, failed

# The codecs of videos, with the decoders of FFmpeg that read them.
CODECS = {
    'H.264': ('h264',),
    'HEVC': ('hevc',),
    'VP9': ('vp9', 'libvpx-vp9'),
    'AV1': ('libdav1d', 'av1', 'libaom-av1'),
}


def checks() -> list[tuple[str, Check]]:
    """All of them, in the order of their report."""
    return [
        ('bike_mmaction', _self),
        *((name, partial(_version, name)) for name in DEPENDENCIES),
        ('mmcv', _mmcv),
        ('other packages', _requirements),
        ('torchvision with torch', _torchvision),
        ('video decoders', _decoders),
        ('decord', partial(_backend, 'decord')),
        ('torchcodec', partial(_backend, 'torchcodec')),
    ]


def _self() -> Iterator[Finding]:
    python = platform.python_version()
    text = f'{__version__}, Python {python} ({sys.executable}), {platform.platform()}'
    yield Finding('bike_mmaction', OK, text)


def _version(name: str) -> Iterator[Finding]:
    low, high = DEPENDENCIES[name]
    is_tested = check_one(name, (low, high))
    text = f'{installed_version(name)} (tested: >={low},<{high})'
    if is_tested:
        yield Finding(name, OK, text)
    else:
        cure = f'pip install "{name}>={low},<{high}", if something goes wrong'
        yield Finding(name, WARNING, f'{text}: newer than tested', cure)


def _mmcv() -> Iterator[Finding]:
    names = [d for d in MMCV if installed_version(d)] or ['mmcv-lite']
    if len(names) > 1:
        yield Finding(
            'mmcv',
            ERROR,
            'mmcv-lite and mmcv are both installed, and write the same files',
            'pip uninstall mmcv-lite mmcv && pip install "mmcv-lite<2.2.0"',
        )
    for name in names:
        check_one(name, MMCV[name])
        yield Finding('mmcv', OK, f'{name} {installed_version(name)}')


def _requirements() -> Iterator[Finding]:
    """What setup.py names beside the packages with a range."""
    from packaging.requirements import Requirement

    count = 0
    for text in metadata.requires('bike_mmaction') or ():
        one = Requirement(text)
        if one.name in DEPENDENCIES or (one.marker and not one.marker.evaluate()):
            continue
        count += 1
        name, cure = (
            f'{one.name}{one.specifier}',
            f'pip install "{one.name}{one.specifier}"',
        )
        if not installed_version(one.name):
            yield Finding(one.name, ERROR, f'{name} is not installed', cure)
        elif not one.specifier.contains(installed_version(one.name), prereleases=True):
            version = installed_version(one.name)
            yield Finding(one.name, ERROR, f'{version}, but {name} is needed', cure)
    yield Finding('other packages', OK, f'{count} looked for')


def _torchvision() -> Iterator[Finding]:
    """Built for another torch, it fails when it is imported, or in its operators."""
    import torch

    cure = f'pip install --force-reinstall torch=={torch.__version__} torchvision'
    try:
        import torchvision

        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (ImportError, OSError, RuntimeError) as error:
        yield failed('torchvision with torch', error)._replace(cure=cure)
        return
    yield Finding('torchvision with torch', OK, 'its operators run')


def _decoders() -> Iterator[Finding]:
    import av
    from av.codec import codecs_available

    version = '.'.join(map(str, av.library_versions['libavcodec']))
    absent = [
        name for name, decoders in CODECS.items() if not codecs_available & {*decoders}
    ]
    text = f'PyAV {av.__version__} with libavcodec {version}'
    if absent:
        text += f', which cannot read {", ".join(absent)}'
        cure = 'pip install --force-reinstall --only-binary av av'
        yield Finding('video decoders', WARNING, text, cure)
    else:
        yield Finding('video decoders', OK, f'{text} reads {", ".join(CODECS)}')


def _backend(name: str) -> Iterator[Finding]:
    if not installed_version(name):
        yield Finding(name, OK, 'not installed, and not needed for the default backend')
        return
    try:
        import_module(name)
    except Exception as error:  # torchcodec's has many lines, of missing libraries
        text = f'{installed_version(name)} cannot be imported: {failed("", error).text}'
        cure = f'pip install --force-reinstall {name}, or leave it: pyav is the default'
        yield Finding(name, WARNING, text, cure)
        return
    yield Finding(name, OK, f'{installed_version(name)}, another backend for videos')
