"""What inference of a folder takes, against reading and computing alone."""

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import Any, Optional, Union, cast

import cv2
import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from ..apis import BIKEInferencer
from ..apis.inference.batches import recognize_batches
from ..apis.inference.reading import Reading, read_sources
from ..apis.inference.sources import Source, SourceReader, close_file, find_sources
from ..models.clip.architectures import get_arch
from ..shipped import find_config
from .clips import draw_clips
from .decoders import installed_decoders
from .measuring import Report, Spread, by_turns

CLASSES = ['a dog', 'playing chess', 'yoga']
TINY = dict(
    embed_dim=64,
    quick_gelu=True,
    vision_cfg=dict(image_size=224, patch_size=112, width=64, layers=1, head_width=32),
    text_cfg=dict(context_length=77, vocab_size=49408, width=64, heads=2, layers=1),
)


def benchmark_infer(
    arch: str,
    videos: int,
    workers: int,
    report: Report,
    repeats: int = 5,
    device: Optional[str] = None,
) -> None:
    """A folder of clips by a tiny model, whose computing hides nothing, and by
    a real one.

    Args:
        arch (str): Of open_clip: the real one; with 'tiny' there is none.
        videos (int): In the folder; of the real model a quarter of them.
        workers (int): Processes that read.
        report (Report): Takes the figures.
        repeats (int): Rounds. Defaults to 5.
        device (str, optional): Defaults to None: a GPU if there is one.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        subjects = [('tiny', TINY, videos)]
        if arch != 'tiny':  # where computing takes long, fewer are enough
            subjects.append((arch, get_arch(arch), max(videos // 4, 1)))
        for name, config, count in subjects:
            clips = f'{folder}/{name}'
            draw_clips(clips, count)
            bike = make_inferencer(config, folder, device)
            _compare(Parts(bike, clips), name, workers, report, repeats)


def _compare(
    parts: 'Parts', name: str, workers: int, report: Report, repeats: int
) -> None:
    decoders, missing = installed_decoders()
    named: dict[str, Any] = dict(
        whole=partial(parts.whole, workers),
        one_process=partial(parts.whole, 0),
        reading=parts.reading,
        computing=parts.computing,
    )
    for decoder, read in decoders.items():
        named[decoder] = partial(parts.bare_reading, read)
    times = {key: spent.clock for key, spent in by_turns(named, repeats).items()}
    bound = np.maximum(times['reading'] / workers, times['computing'])
    figures: dict[str, Union[Spread, str]] = {
        key: Spread.of(times[key], 's')
        for key in ('whole', 'one_process', 'reading', 'computing')
    }
    figures['ratio_to_the_larger_of_reading_per_worker_and_computing'] = Spread.of(
        times['whole'] / bound
    )
    figures['the_same_in_one_process'] = Spread.of(times['one_process'] / bound)
    for decoder in decoders:
        figures[f'ratio_to_bare_{decoder}'] = Spread.of(times['whole'] / times[decoder])
    figures.update({f'ratio_to_bare_{one}': 'not installed' for one in missing})
    figures['videos_per_second'] = Spread.of(len(parts.data) / times['whole'])
    report.add(
        f'{name}, {len(parts.data)} videos, {workers} workers, {parts.bike.device}',
        **figures,
    )


class Parts:
    """What inference of a folder consists of.

    Args:
        bike (BIKEInferencer): Recognizes.
        folder (str): Of videos.

    Attributes:
        data (list[dict]): What was read of each video.
    """

    def __init__(self, bike: BIKEInferencer, folder: str) -> None:
        self.bike, self.folder = bike, folder
        read = list(self._readings())
        self.paths = [source.name for source, _ in read]
        self.data = [reading.data for _, reading in read if reading.data is not None]
        blank = np.zeros((1, 8, 8, 3), np.uint8)
        self.recalled = [Source(str(i), blank) for i in range(len(self.data))]

    def _readings(self) -> Iterator[tuple[Source, Reading]]:
        """One after the other, in this process."""
        files = find_sources(self.folder, **self.bike.reader.options)
        for source, reading in zip(files, read_sources(self.bike.reader, files)):
            close_file(source)
            yield source, reading

    def reading(self) -> None:
        """Of all files."""
        for _ in self._readings():
            pass

    def bare_reading(self, read) -> None:
        """Of the same frames, by a decoder alone."""
        for path, data in zip(self.paths, self.data):
            frames = np.asarray(data['data_samples'].frame_inds)
            read(path, frames.reshape(-1).tolist())

    def computing(self) -> None:
        """Of what was read before."""

        def recall(source: Source) -> Any:
            data = self.data[int(source.name)]
            return dict(data, data_samples=data['data_samples'].clone())

        model, reader = self.bike._model_for(CLASSES), cast(SourceReader, recall)
        for _ in recognize_batches(model, reader, self.recalled, 3, batch_size=4):
            pass

    def whole(self, workers: int) -> None:
        """As a user calls it."""
        self.bike.workers = workers
        self.bike(self.folder, CLASSES, topk=3)


def make_inferencer(
    arch: dict, folder: str, device: Optional[str] = None
) -> BIKEInferencer:
    """A recognizer with random weights.

    Args:
        arch (dict): Of open_clip.
        folder (str): For a temporary file.
        device (str, optional): See :class:`.BIKEInferencer`.
    """
    cfg = Config.fromfile(find_config('bike_vitb32_k400'))
    width = arch['embed_dim']
    cfg.model.backbone.update(arch=arch, pretrained=None)
    cfg.model.neck.update(embed_dims=width, num_heads=width // 32, num_layers=1)
    cfg.model.cls_head.in_channels = width
    cfg.model.cls_head.text_encoder.update(arch=arch, pretrained=None)
    torch.manual_seed(0)
    checkpoint = os.path.join(folder, 'random.pth')
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), checkpoint)
    try:
        return BIKEInferencer(cfg, checkpoint, device=device)
    finally:
        os.remove(checkpoint)
