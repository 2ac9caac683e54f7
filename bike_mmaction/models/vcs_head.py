"""Video concept spotting: the head of the video branch (section 2.3)."""

from collections.abc import Sequence
from typing import Any, Optional, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ..renamed import old_names
from .concept_spotting import concept_spotting
from .frame_features import to_frames
from .fusion import BranchScores
from .text_head import ClassEmbeddings, TextHead

AGGREGATIONS = ('vcs', 'mean')
SOURCES = ('word', 'class')


@MODELS.register_module()
class VCSHead(TextHead):
    """Class scores from frame embeddings and class names.

    Table 6a: ``aggregation='mean'`` is the baseline, 'vcs' adds video concept
    spotting; ``text_encoder.frozen`` its last row. Table 6b: the two
    ``*_source`` arguments.

    Args:
        num_classes (int): Number of classes K.
        in_channels (int): Channels C of the features. Where they are not the
            text embeddings' width D, a linear projection is learned.
        class_names (str | Sequence[str]): See :class:`TextHead`.
        text_encoder (dict | nn.Module): See :class:`TextHead`.
        aggregation (str): 'vcs' or 'mean' over the frames.
            Defaults to 'vcs'.
        temperature (float): Of the saliency, in units of cosine.
            Defaults to 0.01 (section 3.1).
        saliency_source (str): Compare frames with 'word' embeddings or the
            'class' embedding. Defaults to 'word'.
        recognition_source (str): Compare videos with the 'class' embedding,
            or with the mean of the 'word' embeddings. Defaults to 'class'.
        num_segments (int, optional): T, frames per clip, for recognizers
            that fold the frames of all views into the batch
            (``Recognizer2D``). Defaults to None: all of them are one clip.
        renormalize (bool): Whether a video embedding made by VCS gets unit
            length again, so that scores are Eq. 2's cosines. Defaults to
            False, as released.
        keep_scores (bool): Whether predictions also have, for
            :class:`.ZeroShotMetric`, the class scores of each view and of
            each frame, see :meth:`write_scores`. Defaults to False.
        keep_saliency (bool): Whether predictions also have the saliency of
            the first view. Defaults to False.
        **kwargs: Further arguments of :class:`TextHead`.

    Raises:
        ValueError: if an option is not one of those named.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        class_names: Union[str, Sequence[str]],
        text_encoder: Union[dict, nn.Module],
        aggregation: str = 'vcs',
        temperature: float = 0.01,
        saliency_source: str = 'word',
        recognition_source: str = 'class',
        num_segments: Optional[int] = None,
        renormalize: bool = False,
        keep_scores: bool = False,
        keep_saliency: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, in_channels, class_names, text_encoder, **kwargs)
        _check_choice('aggregation', aggregation, AGGREGATIONS)
        _check_choice('saliency_source', saliency_source, SOURCES)
        _check_choice('recognition_source', recognition_source, SOURCES)
        if temperature <= 0:
            raise ValueError(f'temperature={temperature} must be positive')
        self.aggregation = aggregation
        self.temperature = temperature
        self.saliency_source = saliency_source
        self.recognition_source = recognition_source
        self.num_segments = num_segments
        self.renormalize = renormalize
        self.keep_scores = keep_scores
        self.keep_saliency = keep_saliency
        width = self.text_encoder.embed_dims
        self.projection = (
            nn.Identity()
            if in_channels == width
            else nn.Linear(in_channels, width, bias=False)
        )

    def forward(self, x: Tensor, num_segs: Optional[int] = None, **kwargs) -> Tensor:
        """Class scores of each view.

        Args:
            x (Tensor): Features, see :func:`to_frames`; for the CLIP
                recognizer frame embeddings [B·V, T, D].
            num_segs (int, optional): From two-dimensional recognizers: the
                frames of a video, T or V·T.
            **kwargs: What else a recognizer's ``extract_feat`` gives.

        Returns:
            Tensor: Cosine similarities [B·V, K], float32.

        Raises:
            ValueError: if the frames are not clips of ``num_segments``.
        """
        return self.spot(x, num_segs)[0]

    def spot(
        self, x: Tensor, num_segs: Optional[int] = None, **kwargs
    ) -> tuple[Tensor, Tensor]:
        """Class scores and the saliency behind them; arguments as of
        :meth:`forward`.

        Returns:
            tuple[Tensor, Tensor]: Cosine similarities [B·V, K] and saliency
            [B·V, K, T], which is 1/T where ``aggregation='mean'``.
        """
        return self._spot_frames(
            self.project(x, num_segs), self.embed_classes(self.needs_words())
        )

    def score(
        self,
        x: Tensor,
        videos: int,
        num_segs: Optional[int] = None,
        classes: Optional[ClassEmbeddings] = None,
        **kwargs,
    ) -> BranchScores:
        """Scores of the views of some videos, and the saliency behind them.

        Args:
            x (Tensor): As in :meth:`forward`.
            videos (int): B.
            num_segs (int, optional): As in :meth:`forward`.
            classes (ClassEmbeddings, optional): Where they are constants, as
                in an exported model. Defaults to None: those of the class
                names.
            **kwargs: As in :meth:`forward`.

        Returns:
            BranchScores: ``video`` [B, V, K] and ``saliency`` [B, V, K, T];
            with ``keep_scores`` also ``frames`` [B, V, T, K], the dot
            products of the frame embeddings, of the length that the encoder
            gives them, and the class embeddings, of unit length.
        """
        frames = self.project(x, num_segs)  # [B·V, T, D]
        cosines, saliency = self._spot_frames(
            frames, classes or self.embed_classes(self.needs_words())
        )
        by_frame = None
        if self.keep_scores:
            sentence = (classes or self.embed_classes(with_words=False)).sentence
            with torch.autocast(frames.device.type, enabled=False):
                by_frame = frames.float() @ sentence.t()  # [B·V, T, K]
            by_frame = by_frame.unflatten(0, (videos, -1))
        return BranchScores(
            video=cosines.unflatten(0, (videos, -1)),
            saliency=saliency.unflatten(0, (videos, -1)),
            frames=by_frame,
        )

    def _spot_frames(
        self, frames: Tensor, classes: ClassEmbeddings
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`spot`, of frame embeddings [B·V, T, D]."""
        # Cosines are divided by 0.01: half precision would be too coarse.
        with torch.autocast(frames.device.type, enabled=False):
            frames = frames.float()
            targets = self.targets(classes)  # [K, D]
            if self.aggregation == 'mean':
                # As released: frames of any length, the mean of unit length.
                videos = F.normalize(frames.mean(dim=1), dim=-1)
                saliency = frames.new_tensor(1 / frames.shape[1]).expand(
                    frames.shape[0], targets.shape[0], frames.shape[1]
                )
                return videos @ targets.t(), saliency
            queries, mask = self.queries(classes)  # [K, Q, D]
            return concept_spotting(
                F.normalize(frames, dim=-1),
                queries,
                targets,
                self.temperature,
                mask,
                self.renormalize,
            )

    def project(self, x: Tensor, num_segs: Optional[int] = None, **kwargs) -> Tensor:
        """Frame embeddings [B·V, T, D]; arguments as of :meth:`forward`."""
        clip = self.num_segments or num_segs
        # Else clips would take frames of two videos.
        if clip and num_segs is not None and num_segs % clip:
            raise ValueError(
                f'cls_head.num_segments={clip}, but the recognizer gives '
                f'{num_segs} frames a video, which are not clips of that '
                'length: check clip_len, and whether a neck has joined them'
            )
        return self.projection(to_frames(x, clip))

    def predict(self, feats, data_samples: SampleList, **kwargs) -> SampleList:
        """Score videos, see :meth:`score`, and :meth:`write_scores`."""
        scores = self.score(feats, len(data_samples), **kwargs)
        return self.write_scores(scores, data_samples)

    def write_scores(
        self, scores: BranchScores, data_samples: SampleList
    ) -> SampleList:
        """Write the scores of videos.

        Args:
            scores (BranchScores): See :meth:`score`.
            data_samples (list[ActionDataSample]): B samples.

        Returns:
            list[ActionDataSample]: As :meth:`predict_by_feat`. With
            ``keep_scores`` they have ``view_scores`` [V, K] too, the class
            scores of each view, and ``frame_scores`` [V·T, K], those of each
            frame; with ``keep_saliency``, ``saliency`` [K, T] of the first
            view.

        Raises:
            ValueError: as :meth:`predict_by_feat`.
        """
        assert scores.video is not None and scores.saliency is not None
        self.predict_by_feat(scores.video.flatten(0, 1), data_samples)
        for number, sample in enumerate(data_samples):
            if scores.frames is not None:
                sample.set_field(scores.video[number], 'view_scores')
                by_frame = scores.frames[number].flatten(0, 1)  # [V·T, K]
                sample.set_field(by_frame, 'frame_scores')
            if self.keep_saliency:
                sample.set_field(scores.saliency[number, 0], 'saliency')
        return data_samples

    def predict_by_feat(
        self, cls_scores: Tensor, data_samples: SampleList
    ) -> SampleList:
        """Average over views; 'prob' as the released code ranks videos.

        That is V of Eq. 4, see :meth:`TextHead.average_views`, and of a
        video branch alone a second softmax, which keeps the order of the
        classes but counts where videos are ranked against each other (mAP).

        Args:
            cls_scores (Tensor): [B·V, K].
            data_samples (list[ActionDataSample]): B samples.

        Returns:
            list[ActionDataSample]: With ``pred_score`` [K], ``pred_label``
            and ``video_score`` [K], the mean before the second softmax, on
            the scale of ``attributes_score``.

        Raises:
            ValueError: as :meth:`TextHead.predict_by_feat`.
        """
        cls_scores = cls_scores.double()
        ranks = self.average_clip(cls_scores, len(cls_scores) // len(data_samples))
        for sample, rank in zip(data_samples, ranks):
            sample.set_field(rank, 'video_score')
        again = self.average_clips == 'prob'  # as of one view: the second softmax
        return super().predict_by_feat(ranks if again else cls_scores, data_samples)

    def needs_words(self) -> bool:
        """Whether class scores depend on word embeddings."""
        spots_words = self.aggregation == 'vcs' and self.saliency_source == 'word'
        return spots_words or self.recognition_source == 'word'

    def queries(self, classes: ClassEmbeddings) -> tuple[Tensor, Optional[Tensor]]:
        """What frames are compared with for their saliency, [K, Q, D]."""
        if self.saliency_source == 'class':
            return classes.sentence[:, None], None
        assert classes.words is not None
        return classes.words, classes.word_mask

    def targets(self, classes: ClassEmbeddings) -> Tensor:
        """What a video is compared with to be recognized, [K, D]."""
        if self.recognition_source == 'class':
            return classes.sentence
        words, mask = classes.words, classes.word_mask
        assert words is not None
        if mask is not None:
            words = words * mask[..., None]
        return F.normalize(words.sum(dim=1), dim=-1)


def _check_choice(name: str, value: str, accepted: Sequence[str]) -> None:
    if value not in accepted:
        raise ValueError(f'{name}={value!r}; choose from {accepted}')


__getattr__ = old_names(__name__)
