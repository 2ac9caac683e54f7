"""What a config's pipelines take for a video, against bare decoders."""

import time
from typing import Any, Optional

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose

from ..datasets.isolation import Isolated
from ..datasets.pipeline_access import VIDEO_INITS
from ..video import TIME_LIMIT
from .decoders import installed_decoders
from .measuring import Report, Spread, Times, by_turns


def benchmark_pipeline(
    config: Config,
    videos: list[str],
    report: Report,
    repeats: int = 20,
    backend: Optional[str] = None,
    device: Optional[str] = None,
) -> None:
    """Read videos by the training and the test pipeline, as a worker of a
    data loader does, and the same frames by bare decoders.

    Also in a process of its own, as that worker lets each sample be made.

    Args:
        config (Config): Reads video files.
        videos (list[str]): Files.
        report (Report): Takes the figures.
        repeats (int): How often each file is read. Defaults to 20.
        backend (str, optional): Of the pipeline, instead of its own.
        device (str, optional): Likewise.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    decoders, missing = installed_decoders()
    for split in ('train', 'test'):
        steps = config[f'{split}_pipeline']
        steps[-1]['meta_keys'] = ('frame_inds',)
        for step in steps:
            if step['type'] in VIDEO_INITS:
                step.update(
                    {k: v for k, v in (('backend', backend), ('device', device)) if v}
                )
        pipeline = Compose(steps)
        rounds = [_measure(pipeline, path, decoders, repeats) for path in videos]
        clock, processor = (
            {
                name: np.concatenate([getattr(times[name], kind) for times in rounds])
                for name in rounds[0]
            }
            for kind in ('clock', 'processor')
        )
        figures = _figures(clock, processor, list(decoders))
        figures.update({f'bare_{name}': 'not installed' for name in missing})
        report.add(f'{split} pipeline, {len(videos)} videos x {repeats}', **figures)


def _figures(clock: dict, processor: dict, decoders: list[str]) -> dict[str, Any]:
    """Figures of a split, from the seconds of its parts [N]."""
    figures = dict(
        a_video=Spread.of(1000 * clock['whole'], 'ms'),
        in_a_process_of_its_own=Spread.of(1000 * clock['isolated'], 'ms'),
    )
    for name in decoders:
        figures[f'bare_{name}'] = Spread.of(1000 * clock[name], 'ms')
        figures[f'ratio_to_bare_{name}'] = Spread.of(clock['whole'] / clock[name])
        for part, of in (('whole', ''), ('isolated', '_there')):
            figures[f'of_processor_time{of}_to_{name}'] = Spread.of(
                processor[part] / processor[name]
            )
    return figures


def _measure(
    pipeline: Compose, path: str, decoders: dict, repeats: int
) -> dict[str, Times]:
    """One video: the pipeline, and each decoder on the frames it just took."""
    known = dict(filename=path, start_index=0, label=0, modality='RGB')
    taken, spent = [0], []

    def whole() -> None:
        frames = pipeline(dict(known))['data_samples'].frame_inds
        taken[:] = np.asarray(frames).reshape(-1).tolist()

    def make_there(results: dict) -> tuple[dict, float]:
        return pipeline(results), time.process_time()

    def isolated() -> None:
        spent.append(there(dict(known))[1])

    there = Isolated(make_there, TIME_LIMIT)
    parts: dict[str, Any] = dict(whole=whole, isolated=isolated)
    for name, read in decoders.items():
        parts[name] = lambda read=read: read(path, taken)
    times = by_turns(parts, repeats)
    there.close()
    # That of the other process, with what it took to send the sample before.
    clock, here = times['isolated'].clock, times['isolated'].processor
    times['isolated'] = Times(clock, here + np.diff(spent))
    return times
