"""What starting takes: help, imports and a first prediction, in new processes."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial

from .clips import draw_clips
from .measuring import Report, Spread, by_turns

# MMAction2's models cannot be imported without what `compat/` mends.
NEEDED = 'import open_clip, mmengine.runner, mmaction.datasets, mmaction.evaluation'
PREDICTION = """
import sys, bike_mmaction
from mmaction.utils import register_all_modules
register_all_modules()
from bike_mmaction.benchmarks.infer import CLASSES, TINY, make_inferencer
make_inferencer(TINY, sys.argv[1], 'cpu')(sys.argv[2], CLASSES)
"""
# Arguments of Python; {folder} and {video} stand for what the benchmark has drawn.
PARTS: Mapping[str, Sequence[str]] = {
    'python': ('-c', ''),
    'bike_help': ('-m', 'bike_mmaction_cli', '--help'),
    'bike_infer_help': ('-m', 'bike_mmaction_cli', 'infer', '--help'),
    'import_torch': ('-c', 'import torch'),
    'import_needed': ('-c', NEEDED),
    'import_bike_mmaction': ('-c', 'import bike_mmaction'),
    'first_prediction': ('-c', PREDICTION, '{folder}', '{video}'),
}


def benchmark_startup(
    report: Report, repeats: int = 5, parts: Mapping[str, Sequence[str]] = PARTS
) -> None:
    """Seconds of each part, and its ratio to the imports that cannot be spared.

    A prediction is that of one clip by a tiny model, its weights read from disk.

    Args:
        report (Report): Takes the figures.
        repeats (int): Rounds. Defaults to 5.
        parts (Mapping[str, Sequence[str]]): Which. Defaults to all.
    """
    with tempfile.TemporaryDirectory() as folder:
        (video,) = draw_clips(f'{folder}/clips', 1)
        places = dict(folder=folder, video=video)
        commands = {
            name: partial(_run, [_filled(argument, places) for argument in arguments])
            for name, arguments in parts.items()
        }
        times = {k: spent.clock for k, spent in by_turns(commands, repeats).items()}
    figures = {name: Spread.of(spent, 's') for name, spent in times.items()}
    needed = times.get('import_needed')
    if needed is not None:
        figures.update(
            (f'{name}_against_import_needed', Spread.of(times[name] / needed))
            for name in ('import_bike_mmaction', 'first_prediction')
        )
    report.add('startup', **figures)


def _filled(argument: str, places: Mapping[str, str]) -> str:
    """Code has braces of its own."""
    return places.get(argument.strip('{}'), argument)


def _run(arguments: Sequence[str]) -> None:
    subprocess.run(
        [sys.executable, '-W', 'ignore', *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
