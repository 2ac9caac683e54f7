"""Videos through a recognizer, batch by batch."""

from collections.abc import Iterator, Sequence

import torch
from mmaction.models import BaseRecognizer, Recognizer3D
from mmengine.dataset import pseudo_collate
from tqdm import tqdm

from ..errors import PipelineError
from ..models.finite import check_scores
from ..models.scores import rank, score
from .frames import VideoFile
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
) -> Iterator[list[Recognition]]:
    """Recognize videos, or windows of them, some at a time.

    Args:
        model (BaseRecognizer): With a :class:`.VCSHead`, which knows the
            classes.
        reader (SourceReader): Reads a video as the model takes it.
        sources (Sequence[Source]): Videos or windows.
        topk (int): Predictions per video.
        threshold (float): Confidence below which a video is "none of these".
        batch_size (int): Videos at once.
        progress (bool): Whether to show a bar, where there is a terminal.

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
    with tqdm(total=len(sources), unit='video', disable=not progress or None) as bar:
        for first in range(0, len(sources), batch_size):
            batch = sources[first : first + batch_size]
            yield _recognize_batch(model, reader, batch, topk, threshold)
            bar.update(len(batch))


@torch.no_grad()
def _recognize_batch(
    model: BaseRecognizer,
    reader: SourceReader,
    sources: Sequence[Source],
    topk: int,
    threshold: float,
) -> list[Recognition]:
    recognitions = [
        Recognition(source.name, segment=source.segment) for source in sources
    ]
    batch, read = [], []
    for recognition, source in zip(recognitions, sources):
        try:
            batch.append(reader(source))
            read.append(recognition)
            if isinstance(source.content, VideoFile) and source.content.damage:
                recognition.warning = source.content.damage
        except PipelineError as error:
            recognition.error = str(error)
    if batch:
        data = model.data_preprocessor(pseudo_collate(batch))
        samples = data['data_samples']
        scores = score(model, data['inputs'], samples)
        assert scores.saliency is not None  # a VCSHead and video
        confidences = model.cls_head.confidences(rank(model, scores))
        check_scores(confidences, [recognition.source for recognition in read], model)
        for recognition, sample, values, saliency in zip(
            read, samples, confidences.cpu(), scores.saliency[:, 0].cpu()
        ):
            names = model.cls_head.class_names
            fill_in(recognition, sample, names, values, saliency, topk, threshold)
    return recognitions
