"""Video concept spotting: the head of the video branch (section 2.3)."""

from typing import Optional, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from .text_head import ClassEmbeddings, TextHead

AGGREGATIONS = ('vcs', 'mean')
SOURCES = ('word', 'class')


def frame_saliency(
    frames: Tensor, queries: Tensor, temperature: float, mask: Optional[Tensor] = None
) -> Tensor:
    """How much each frame has to do with each class; BIKE Eq. 5.

    Every query is compared with every frame; a softmax over the frames, then
    the mean over the queries.

    Args:
        frames (Tensor): Unit frame embeddings [N, T, D].
        queries (Tensor): Unit embeddings [K, Q, D], Q for each class.
        temperature (float): Of the softmax, in units of cosine.
        mask (Tensor, optional): Bool [K, Q], which queries count.

    Returns:
        Tensor: Saliency [N, K, T]; sums to 1 over the frames.
    """
    similarity = torch.einsum('ntd,kqd->nkqt', frames, queries)
    saliency = (similarity / temperature).softmax(dim=-1)
    if mask is None:
        return saliency.mean(dim=2)
    weights = mask.to(saliency) / mask.sum(dim=1, keepdim=True)  # [K, Q]
    return torch.einsum('nkqt,kq->nkt', saliency, weights)


def concept_spotting(
    frames: Tensor,
    words: Tensor,
    classes: Tensor,
    temperature: float,
    mask: Optional[Tensor] = None,
    renormalize: bool = False,
) -> tuple[Tensor, Tensor]:
    """Class scores of videos whose frames are weighted by saliency.

    BIKE Eq. 5, 6 and 2. The released code sums frame embeddings of unit
    length and takes the dot product with the class; Eq. 2's cosine would
    bring the sum to unit length again.

    Args:
        frames (Tensor): Unit frame embeddings [N, T, D].
        words (Tensor): Unit word embeddings [K, Q, D].
        classes (Tensor): Unit class embeddings [K, D].
        temperature (float): See :func:`frame_saliency`.
        mask (Tensor, optional): Bool [K, Q], which words count.
        renormalize (bool): Whether to take Eq. 2's cosine.
            Defaults to False: the released code's dot product.

    Returns:
        tuple[Tensor, Tensor]: Class scores [N, K], saliency [N, K, T].
    """
    saliency = frame_saliency(frames, words, temperature, mask)
    # An embedding of the video for each class.
    videos = torch.einsum('nkt,ntd->nkd', saliency, frames)
    if renormalize:
        videos = F.normalize(videos, dim=-1)
    return torch.einsum('nkd,kd->nk', videos, classes), saliency


def to_frames(x: Tensor, num_segs: Optional[int] = None) -> Tensor:
    """Bring the features of any toolbox backbone to one vector a frame.

    Args:
        x (Tensor | Sequence): [N, T, C], [N, C, T, H, W], [N·T, C] or
            [N·T, C, H, W]. Of several stages the last counts, of a pair of
            feature map and class token (MViT) the map.
        num_segs (int, optional): T, where frames are folded into the batch;
            without it such features count as one frame each.

    Returns:
        Tensor: [N, T, C], averaged over space.

    Raises:
        ValueError: for other shapes.
    """
    while isinstance(x, (tuple, list)):
        # Stages have several dimensions each, a class token has two.
        x = x[0] if len(x) == 2 and getattr(x[1], 'ndim', 0) == 2 else x[-1]
    if x.ndim == 3:
        return x
    if x.ndim == 5:
        return x.mean(dim=(3, 4)).transpose(1, 2)  # [N, T, C]
    if x.ndim == 4:
        x = x.mean(dim=(2, 3))  # [N·T, C]
    if x.ndim != 2:
        raise ValueError(
            'expected features [N, T, C], [N, C, T, H, W], '
            f'[N*T, C] or [N*T, C, H, W], got {tuple(x.shape)}'
        )
    # Not len(x), which would fix the batch size of an exported graph.
    if x.shape[0] % (num_segs or 1):
        raise ValueError(
            f'{len(x)} frames are not clips of {num_segs}: check '
            'cls_head.num_segments and clip_len'
        )
    return x.unflatten(0, (-1, num_segs or 1))


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
            each frame, see :meth:`predict`. Defaults to False.
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
        class_names,
        text_encoder: Union[dict, nn.Module],
        aggregation: str = 'vcs',
        temperature: float = 0.01,
        saliency_source: str = 'word',
        recognition_source: str = 'class',
        num_segments: Optional[int] = None,
        renormalize: bool = False,
        keep_scores: bool = False,
        keep_saliency: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(num_classes, in_channels, class_names, text_encoder, **kwargs)
        options = (
            ('aggregation', aggregation, AGGREGATIONS),
            ('saliency_source', saliency_source, SOURCES),
            ('recognition_source', recognition_source, SOURCES),
        )
        for name, value, accepted in options:
            if value not in accepted:
                raise ValueError(f'{name}={value!r}; choose from {accepted}')
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
        """Class scores and the saliency behind them.

        Args:
            x (Tensor): As in :meth:`forward`.
            num_segs (int, optional): As in :meth:`forward`.
            **kwargs: As in :meth:`forward`.

        Returns:
            tuple[Tensor, Tensor]: Cosine similarities [B·V, K] and saliency
            [B·V, K, T], which is 1/T where ``aggregation='mean'``.
        """
        frames = self.project(x, num_segs)  # [B·V, T, D]
        classes = self.embed_classes(self.needs_words())
        # Cosines are divided by 0.01: half precision would be too coarse.
        with torch.autocast(frames.device.type, enabled=False):
            return self.spot_classes(frames.float(), classes)

    def spot_classes(
        self, frames: Tensor, classes: ClassEmbeddings
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`spot`, of frame embeddings [B·V, T, D], float32."""
        targets = self._targets(classes)  # [K, D]
        if self.aggregation == 'mean':
            # As released: frames of any length, the mean of unit length.
            videos = F.normalize(frames.mean(dim=1), dim=-1)
            saliency = frames.new_tensor(1 / frames.shape[1]).expand(
                frames.shape[0], targets.shape[0], frames.shape[1]
            )
            return videos @ targets.t(), saliency
        queries, mask = classes.sentence[:, None], None  # [K, 1, D]
        if self.saliency_source == 'word':
            queries, mask = classes.words, classes.word_mask
        return concept_spotting(
            F.normalize(frames, dim=-1),
            queries,
            targets,
            self.temperature,
            mask,
            self.renormalize,
        )

    def predict(self, feats, data_samples: SampleList, **kwargs) -> SampleList:
        """As :meth:`TextHead.predict`.

        Returns:
            list[ActionDataSample]: With ``keep_scores``, they have
            ``view_scores`` [V, K] too, the class scores of each view, and
            ``frame_scores`` [V·T, K], the dot products of the frame
            embeddings, of the length that the encoder gives them, and the
            class embeddings, of unit length. With ``keep_saliency``,
            ``saliency`` [K, T] of the first view.
        """
        self._check_labels(data_samples, lowest=-1)
        scores, saliency = self.spot(feats, **kwargs)
        samples = self.predict_by_feat(scores, data_samples)
        if self.keep_saliency:
            views = len(saliency) // len(samples)
            for sample, value in zip(samples, saliency[::views]):
                sample.set_field(value, 'saliency')
        if self.keep_scores:
            frames = self.project(feats, kwargs.get('num_segs'))
            classes = self.embed_classes(words=False).sentence
            with torch.autocast(frames.device.type, enabled=False):
                # As released, these too have the length that CLIP gave them.
                scores = frames.float() @ classes.t()
            # [B·V, T, K] → B times [V·T, K]
            _put(samples, 'frame_scores', scores.flatten(0, 1))
        return samples

    def project(self, x: Tensor, num_segs: Optional[int] = None, **kwargs) -> Tensor:
        """Frame embeddings [B·V, T, D]; arguments as of :meth:`forward`."""
        clip = self.num_segments or num_segs
        # Else clips would take frames of two videos.
        if num_segs is not None and num_segs % clip:
            raise ValueError(
                f'cls_head.num_segments={clip}, but the recognizer gives '
                f'{num_segs} frames a video, which are not clips of that '
                'length: check clip_len, and whether a neck has joined them'
            )
        return self.projection(to_frames(x, clip))

    def predict_by_feat(
        self, cls_scores: Tensor, data_samples: SampleList
    ) -> SampleList:
        """Average over views; 'prob' as the released code ranks videos.

        That is a softmax of each view's unscaled scores, the mean over the
        views, and a second softmax, which keeps the order of the classes but
        counts where videos are ranked against each other (mAP). In double
        precision: with many classes, all values are close to 1/K.

        Args:
            cls_scores (Tensor): [B·V, K].
            data_samples (list[ActionDataSample]): B samples.

        Returns:
            list[ActionDataSample]: With ``pred_score`` [K], ``pred_label``
            and ``video_score`` [K], the mean before the second softmax, on
            the scale of ``attributes_score``.
        """
        samples = super().predict_by_feat(cls_scores.double(), data_samples)
        if self.keep_scores:
            _put(samples, 'view_scores', cls_scores)
        for sample in samples:
            sample.set_field(sample.pred_score, 'video_score')
            if self.average_clips == 'prob':
                sample.set_pred_score(sample.pred_score.softmax(-1))
        return samples

    def needs_words(self) -> bool:
        """Whether class scores depend on word embeddings."""
        spots_words = self.aggregation == 'vcs' and self.saliency_source == 'word'
        return spots_words or self.recognition_source == 'word'

    def _targets(self, classes: ClassEmbeddings) -> Tensor:
        """What a video is compared with to be recognized, [K, D]."""
        if self.recognition_source == 'class':
            return classes.sentence
        words, mask = classes.words, classes.word_mask
        if mask is not None:
            words = words * mask[..., None]
        return F.normalize(words.sum(dim=1), dim=-1)


def _put(samples: SampleList, name: str, values: Tensor) -> None:
    """Part the first dimension among the samples."""
    for sample, value in zip(samples, values.chunk(len(samples))):
        sample.set_field(value, name)
