"""Print the versions of all that matters here, for a report of a problem."""

import argparse
import platform
from collections.abc import Iterable
from typing import Optional

from ..compat.versions import installed_version
from ..shipped import find_shipped
from ..terminal import say
from ..version import DEPENDENCIES, MMCV, __version__

# What is used beside the dependencies with a range of versions.
OTHERS = 'mmpretrain timm av decord torchcodec opencv-python onnx gradio'.split()


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """No arguments."""
    return argparse.ArgumentParser(prog, description=__doc__)


def run(args: argparse.Namespace) -> None:
    """Print a line for each."""
    import torch

    from ..compat import remedies

    gpus = [
        torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
    ]
    lines = {
        'bike_mmaction': __version__,
        'configs': find_shipped('configs'),
        'Python': platform.python_version(),
        'system': platform.platform(),
        **installed((*DEPENDENCIES, *MMCV, *OTHERS)),
        'CUDA of torch': torch.version.cuda or 'none',
        'GPUs': ', '.join(gpus) or 'none',
    }
    width = max(map(len, lines))
    for name, value in lines.items():
        say(f'{name:<{width}}  {value}')
    say('\nRepaired in other packages:')
    for remedy in remedies():
        say(f'- {remedy}')


def installed(names: Iterable[str]) -> dict[str, str]:
    """Versions of these distributions, '-' of those that are absent."""
    return {name: installed_version(name) or '-' for name in names}
