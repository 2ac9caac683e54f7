"""What inference of a folder takes, against reading and computing alone."""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.apis.batches import recognize_batches
from bike_mmaction.apis.reading import Reading, read_sources
from bike_mmaction.apis.sources import Source, close_file, find_sources
from bike_mmaction.models.pretrained import get_arch
from bike_mmaction.shipped import find_config

CLASSES = ['a dog', 'playing chess', 'yoga']
TINY = dict(
    embed_dim=64,
    quick_gelu=True,
    vision_cfg=dict(image_size=224, patch_size=112, width=64, layers=1, head_width=32),
    text_cfg=dict(context_length=77, vocab_size=49408, width=64, heads=2, layers=1),
)


def benchmark_infer(
    args: argparse.Namespace, draw_clip: Callable, quartiles: Callable
) -> None:
    """Whole, reading and computing by turns, so that other work on the machine
    slows down all of them."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(args.videos):
            source = f'{folder}/{i % 4}.mp4'
            if i < 4:
                draw_clip(source, i)
            else:
                os.link(source, f'{folder}/{i}.mp4')
        for name, arch in (('tiny', TINY), (args.arch, get_arch(args.arch))):
            compare(make_inferencer(arch, folder), name, folder, args, quartiles)


def compare(
    bike: BIKEInferencer,
    name: str,
    folder: str,
    args: argparse.Namespace,
    quartiles: Callable,
) -> None:
    """Print the parts, and their ratios."""
    parts = Parts(bike, folder)
    parts.whole(args.workers)  # warm up
    times = np.array(
        [
            [
                parts.reading(),
                parts.computing(),
                parts.whole(0),
                parts.whole(args.workers),
            ]
            for _ in range(args.repeats)
        ]
    )
    reading, computing, before, after = times.T
    reading = reading / args.workers
    bound = np.maximum(reading, computing)
    print(
        f'{name}, {args.videos} videos, {args.workers} workers, {bike.device}, '
        f'{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: reading / workers '
        f'{np.median(reading):.2f} s, computing {np.median(computing):.2f} s, whole '
        f'{np.median(before):.2f} s in one process, {np.median(after):.2f} s with '
        f'workers; ratio to the larger one before {quartiles(before / bound)}, '
        f'after {quartiles(after / bound)}'
    )


class Parts:
    """What inference of a folder consists of, in seconds each."""

    def __init__(self, bike: BIKEInferencer, folder: str) -> None:
        self.bike, self.folder = bike, folder
        self.data = [reading.data for reading in self.readings()]
        blank = np.zeros((1, 8, 8, 3), np.uint8)
        self.read = [Source(str(i), blank) for i in range(len(self.data))]

    def readings(self) -> Iterator[Reading]:
        """One after the other, in this process."""
        files = find_sources(self.folder, **self.bike.reader.options)
        for source, reading in zip(files, read_sources(self.bike.reader, files)):
            close_file(source)
            yield reading

    def reading(self) -> float:
        """Of all files."""
        start = time.perf_counter()
        for _ in self.readings():
            pass
        return time.perf_counter() - start

    def computing(self) -> float:
        """Of what was read before."""

        def recall(source):
            data = self.data[int(source.name)]
            return dict(data, data_samples=data['data_samples'].clone())

        model = self.bike._model_for(CLASSES)
        start = time.perf_counter()
        for _ in recognize_batches(model, recall, self.read, 3, batch_size=4):
            pass
        return time.perf_counter() - start

    def whole(self, workers: int) -> float:
        """As a user calls it."""
        self.bike.workers = workers
        start = time.perf_counter()
        self.bike(self.folder, CLASSES, topk=3)
        return time.perf_counter() - start


def make_inferencer(arch: dict, folder: str) -> BIKEInferencer:
    """A recognizer with random weights."""
    cfg = Config.fromfile(find_config('bike_vitb32_k400'))
    width = arch['embed_dim']
    cfg.model.backbone.update(arch=arch, pretrained=None)
    cfg.model.neck.update(embed_dims=width, num_heads=width // 32, num_layers=1)
    cfg.model.cls_head.in_channels = width
    cfg.model.cls_head.text_encoder.update(arch=arch, pretrained=None)
    torch.manual_seed(0)
    checkpoint = f'{folder}/../{os.path.basename(folder)}.pth'
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), checkpoint)
    try:
        return BIKEInferencer(cfg, checkpoint)
    finally:
        os.remove(checkpoint)
