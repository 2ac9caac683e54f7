"""Options that several commands share."""

import argparse

from ..apis.building import DEFAULT_CONFIG, PRETRAINED
from ..datasets.class_names import BUILT_IN


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of tools that make a :class:`.BIKEInferencer`."""
    parser.add_argument(
        '--config',
        default=DEFAULT_CONFIG,
        help=f'a file or a shipped config (default: {DEFAULT_CONFIG})',
    )
    parser.add_argument(
        '--checkpoint',
        default=PRETRAINED,
        help="a checkpoint, or 'pretrained': the weights that the config\n"
        'names (default)',
    )
    parser.add_argument(
        '--classes',
        help='names, separated by commas (those with commas in quotes:\n'
        '"a dog,\'playing, loudly\',yoga"); a file with a name a line or in\n'
        f'the form id,name; or one of {", ".join(BUILT_IN)}\n'
        '(default: those of the config)',
    )
    parser.add_argument(
        '--lexicon',
        help='find attributes among these phrases: as --classes, or\nimagenet1k',
    )
    parser.add_argument('--views', help='such as 4x3 or 10x3d')
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
