"""Videos through a recognizer, batch by batch."""

from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from typing import Optional

import torch
from mmaction.models import BaseRecognizer, Recognizer3D
from mmengine.dataset import pseudo_collate
from tqdm import tqdm

from ...models.finite import check_scores
from ...models.scores import rank, score
from ...models.transfer import copy_to
from .reading import Reading, read_sources
from .recognition import Recognition, fill_in
from .sources import Source, SourceReader


def recognize_batches(
    model: BaseRecognizer,
    reader: SourceReader,
    sources: Sequence[Source],
    topk: int = 5,
    threshold: float = 0.0,
    batch_size: int = 1,
    progress: bool = False,
    workers: int = 0,
    time_limit: Optional[float] = None,
) -> Generator[list[Recognition], None, None]:
    """Recognize videos, or windows of them, some at a time.

    Close it where not all are taken: that ends the processes that read.

    Args:
        model (BaseRecognizer): With a :class:`.VCSHead`, which knows the
            classes.
        reader (SourceReader): Reads a video as the model takes it.
        sources (Sequence[Source]): Videos or windows.
        topk (int): Predictions per video.
        threshold (float): Confidence below which a video is "none of these".
        batch_size (int): Videos at once.
        progress (bool): Whether to show a bar, where there is a terminal.
        workers (int): Processes that read the next ones meanwhile; with 0
            this process reads. Defaults to 0.
        time_limit (float, optional): Seconds for each of them to read one.
            Defaults to None: as long as it takes.

    Yields:
        list[Recognition]: Those of a batch, also of videos that could not be
        read.

    Raises:
        NonFiniteError: if confidences are NaN or infinite.
        ValueError: if an option is out of range.
    """
    if topk < 1 or batch_size < 1 or not 0 <= threshold <= 1:
        raise ValueError(
            f'topk={topk}, batch_size={batch_size}, threshold={threshold}: '
            'expected positive numbers, and a threshold in [0, 1]'
        )
    if isinstance(model, Recognizer3D) and (model.test_cfg or {}).get(
        'max_testing_views'
    ):
        batch_size = 1  # MMAction2 parts the views of one video only
    readings = read_sources(reader, sources, workers, time_limit, batch_size)
    bar = tqdm(total=len(sources), unit='video', disable=not progress or None)
    with closing(readings), bar:
        for first in range(0, len(sources), batch_size):
            batch = sources[first : first + batch_size]
            yield _recognize_batch(
                model, batch, list(islice(readings, len(batch))), topk, threshold
            )
            bar.update(len(batch))


@torch.no_grad()
def _recognize_batch(
    model: BaseRecognizer,
    sources: Sequence[Source],
    readings: Sequence[Reading],
    topk: int,
    threshold: float,
) -> list[Recognition]:
    recognitions = [
        Recognition(
            source.name,
            segment=source.segment,
            error=reading.error,
            warning=reading.damage,
        )
        for source, reading in zip(sources, readings)
    ]
    batch = [reading.data for reading in readings if reading.data is not None]
    if not batch:
        return recognitions
    read = [recognition for recognition in recognitions if not recognition.error]
    data = model.data_preprocessor(pseudo_collate(_to_device(model, batch)))
    samples = data['data_samples']
    scores = score(model, data['inputs'], samples)
    assert scores.saliency is not None  # a VCSHead and video
    confidences = model.cls_head.confidences(rank(model, scores))
    check_scores(confidences, [recognition.source for recognition in read], model)
    for recognition, sample, values, saliency in zip(
        read, samples, confidences.cpu(), scores.saliency[:, 0].cpu()
    ):
        fill_in(
            recognition,
            sample,
            model.cls_head.class_names,
            values,
            saliency,
            topk,
            threshold,
            independent=model.cls_head.bias is not None,
        )
    return recognitions


def _to_device(model: BaseRecognizer, batch: list[dict]) -> list[dict]:
    """Inputs of integers, on the GPU, which makes floats of them there."""
    device = model.data_preprocessor.device
    return [dict(data, inputs=copy_to(data['inputs'], device)) for data in batch]
