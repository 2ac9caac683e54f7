"""What a large lexicon costs where attributes are generated."""

import multiprocessing
import os.path as osp
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import open_clip
import torch
from mmengine.config import Config

from ..apis import generate_attributes
from ..datasets.class_names import load_class_names
from ..models.clip.architectures import get_arch
from ..shipped import find_config
from .clips import draw_clips
from .infer import TINY
from .measuring import Report


def benchmark_lexicon(arch: str, phrases: int, videos: int, report: Report) -> None:
    """Two whole runs of the generator, each in a process of its own: with a
    lexicon, and with one of a hundredth of its phrases.

    Args:
        arch (str): Of open_clip, or 'tiny'.
        phrases (int): In the larger lexicon.
        videos (int): Short ones, of 32 frames.
        report (Report): Takes the figures.
    """
    counts = (phrases // 100, phrases)
    with tempfile.TemporaryDirectory() as folder:
        (small_time, small_peak), (time_spent, peak) = (
            measured for _, measured in measure_lexicons(folder, arch, counts, videos)
        )
    report.add(
        f'{phrases} phrases against {phrases // 100}, {arch}, {videos} videos',
        seconds=time_spent,
        seconds_of_the_smaller=small_time,
        ratio_of_time=time_spent / small_time,
        peak_memory_GiB=peak,
        ratio_of_memory=peak / small_peak,
    )


def measure_lexicons(
    folder: str, arch: str, phrases: Sequence[int], videos: int
) -> Iterator[tuple[int, tuple[float, float]]]:
    """Runs of the generator, each in a process of its own.

    Args:
        folder (str): For weights and videos.
        arch (str): Of open_clip, or 'tiny'.
        phrases (Sequence[int]): In each lexicon.
        videos (int): Short ones, of 32 frames.

    Yields:
        tuple[int, tuple[float, float]]: Phrases; seconds, and peak memory in GiB.
    """
    layout = TINY if arch == 'tiny' else get_arch(arch)
    torch.save(open_clip.CLIP(**layout).state_dict(), f'{folder}/clip.pt')
    paths = draw_clips(f'{folder}/videos', videos, num_frames=32)
    with open(f'{folder}/list.txt', 'w') as file:
        file.writelines(f'{osp.basename(path)} 0\n' for path in paths)
    for count in phrases:
        yield count, _in_own_process(folder, arch, count)


def _in_own_process(folder: str, arch: str, phrases: int) -> tuple[float, float]:
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        return pool.apply(_generate, (folder, arch, phrases))


def _generate(folder: str, arch: str, count: int) -> tuple[float, float]:
    """One run of the generator: seconds, and peak memory in GiB."""
    names, rng = load_class_names('kinetics400'), random.Random(0)
    words = sorted({word for name in names for word in name.split()})
    phrases: set[str] = set()
    while len(phrases) < count:
        phrases.add(' '.join(rng.sample(words, 3)))
    cfg = Config.fromfile(find_config('bike_vitb32_k400'))
    layout = TINY if arch == 'tiny' else arch
    cfg.model.backbone.update(arch=layout, pretrained=f'{folder}/clip.pt')
    cfg.test_dataloader.dataset.update(
        ann_file=f'{folder}/list.txt', data_prefix=dict(video=f'{folder}/videos')
    )
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.work_dir = f'{folder}/work_dir'
    start = time.perf_counter()
    generate_attributes(cfg, sorted(phrases), 5, f'{folder}/{count}.json')
    spent = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return spent, peak / (2**30 if sys.platform == 'darwin' else 2**20)
