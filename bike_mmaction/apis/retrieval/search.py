"""Find videos by text, and when it is in them."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Optional, Union

import torch
import torch.nn as nn
from torch import Tensor

from ...datasets.checking import sampled_frames
from ...datasets.embedding_store import EmbeddingStore, as_plain
from ...datasets.pipeline_access import video_pipeline
from ...models.frame_encoder import FrameEncoder
from ...models.moments import Queries
from ...training.embeddings import refuse_other_tower
from ..inference.inferencer import BIKEInferencer
from .index import Refine, SearchIndex
from .regular_frames import interval_of


@dataclass
class Match:
    """A video in which a text was found.

    Attributes:
        query (str): The text.
        video (str): The file.
        score (float): Cosine similarity of the text and the best window of
            the video; comparable among the videos for one text.
        start (float): When it begins, in seconds.
        end (float): When it ends.
        peak (float): When the most salient frame is shown.
    """

    query: str
    video: str
    score: float
    start: float
    end: float
    peak: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def embed_texts(bike: BIKEInferencer, texts: Union[str, Sequence[str]]) -> Queries:
    """Embed texts as the class names of a model, in its prompt.

    Args:
        bike (BIKEInferencer): Whose text tower embeds.
        texts (str | Sequence[str]): One or several, all different.

    Returns:
        Queries: On the CPU; word embeddings for the saliency, and what videos
        are compared with.

    Raises:
        ValueError: if a text is empty, or there twice.
    """
    texts = [texts] if isinstance(texts, str) else list(texts)
    if not texts or not all(text.strip() for text in texts):
        raise ValueError(f'a text to search for is empty, or there is none: {texts}')
    head: Any = bike.head.with_classes(texts)
    with torch.no_grad():
        classes = head.embed_classes(with_words=True)
        words, mask = head.queries(classes)
        targets = head.targets(classes)
    return Queries(
        words.float().cpu(),
        None if mask is None else mask.cpu(),
        targets.float().cpu(),
        head.temperature,
        head.renormalize,
    )


class VideoSearch:
    """An index that is open, with the model that it was made by.

    Args:
        bike (BIKEInferencer): The model.
        folder (str): Of the index, see :func:`.embed_videos`.
        in_memory (bool): Whether to read all of it now, for many searches;
            else the system keeps what was read once. Defaults to False.

    Attributes:
        paths (list[str]): The videos.

    Raises:
        FileNotFoundError: if there is no index.
        ValueError: if another model has made it; names both. Also if it is a
            cache for training, or empty.
    """

    def __init__(
        self, bike: BIKEInferencer, folder: str, in_memory: bool = False
    ) -> None:
        self._bike = bike
        self.store = EmbeddingStore.open(folder)
        settings = self.store.settings
        if 'fps' not in settings:
            raise ValueError(
                f"'{folder}' has embeddings for training, not of frames at regular "
                'times: `bike embed VIDEOS --out FOLDER` makes an index for search'
            )
        own = as_plain(FrameEncoder(bike.model).settings())
        refuse_other_tower(self.store, own, 'the model to search with')
        if not self.store.about['complete']:
            warnings.warn(
                f"'{folder}' is not complete: it is being made, or was stopped. What "
                'is there is searched'
            )
        self.fps = float(settings['fps'])
        self._index, self.paths = SearchIndex.of_store(self.store, _refine(bike.model))
        if not self.paths:
            raise ValueError(f"'{folder}' has no video that could be read")
        if in_memory:
            self._index.rows = self._index.rows.clone()
        self._length = sampled_frames(video_pipeline(bike.model.cfg))

    def __call__(
        self,
        queries: Union[str, Sequence[str]],
        topk: int = 5,
        window: Optional[float] = None,
    ) -> list[list[Match]]:
        """Search; see :func:`search`."""
        if topk < 1:
            raise ValueError(f'topk={topk} must be positive')
        texts = [queries] if isinstance(queries, str) else list(queries)
        embedded = embed_texts(self._bike, texts)
        of_texts = self._index.search(embedded, topk, self.window_rows(window))
        return [
            [self._match(text, moment) for moment in moments]
            for text, moments in zip(texts, of_texts)
        ]

    def window_rows(self, window: Optional[float]) -> int:
        """How many rows a window has.

        Args:
            window (float, optional): In seconds. None: as many as the model
                sees of a clip.
        """
        if window is None:
            return self._length
        if not 0 < window < float('inf'):
            raise ValueError(f'window={window} must be positive')
        return max(1, round(window * self.fps))

    def _match(self, text: str, moment: Any) -> Match:
        begin, times = self._index.first[moment.video], self.store.times
        start = interval_of(moment.first - begin, float(times[moment.first]), self.fps)[
            0
        ]
        end = interval_of(moment.last - begin, float(times[moment.last]), self.fps)[1]
        return Match(
            text,
            self.paths[moment.video],
            round(moment.score, 5),
            round(float(start), 3),
            round(float(end), 3),
            round(float(times[moment.peak]), 3),
        )


def search(
    bike: BIKEInferencer,
    index: Union[str, VideoSearch],
    queries: Union[str, Sequence[str]],
    topk: int = 5,
    window: Optional[float] = None,
) -> list[list[Match]]:
    """Find the videos that show what texts say, and when they do.

    Args:
        bike (BIKEInferencer): The model that the index was made by.
        index (str | VideoSearch): The folder of an index, see
            :func:`.embed_videos`; or one that is open, for many searches.
        queries (str | Sequence[str]): One text or several.
        topk (int): Videos for each. Defaults to 5.
        window (float, optional): Seconds that are scored as a clip. Shorter
            ones suit briefer events. Defaults to None: as many frames as the
            model sees of a clip.

    Returns:
        list[list[Match]]: For each text its videos, the best first.

    Raises:
        FileNotFoundError, ValueError: as :class:`VideoSearch`, or if an
            option is out of range, or a text empty or there twice.
    """
    if isinstance(index, str):
        index = VideoSearch(bike, index)
    return index(queries, topk, window)


def _refine(model: nn.Module) -> Optional[Refine]:
    """What comes between image tower and scores, if anything does."""
    head: Any = model.cls_head
    if not isinstance(head.projection, nn.Identity):
        raise ValueError(
            'search compares frame embeddings with texts, but this model has '
            f'a projection between them (cls_head.in_channels={head.in_channels})'
        )
    if not getattr(model, 'with_neck', False):
        return None
    neck: Any = model.neck
    device = next(neck.parameters()).device

    def refine(frames: Tensor) -> Tensor:
        return neck(frames.to(device))[0].float().cpu()

    return refine
