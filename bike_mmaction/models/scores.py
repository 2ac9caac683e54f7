"""The one way from videos to scores, for any recognizer with a VCSHead.

Tests, the inferencer and the export all take :func:`score` and, where videos
or classes are put in an order, :func:`rank`.
"""

from collections.abc import Sequence
from typing import Any, Optional

import torch
from mmaction.models import BaseRecognizer
from torch import Tensor

from .fusion import BranchScores, fuse
from .text_head import ClassEmbeddings
from .vcs_head import VCSHead


def score(
    recognizer: BaseRecognizer, inputs: Tensor, data_samples: Sequence
) -> BranchScores:
    """Score videos.

    Args:
        recognizer (BaseRecognizer): A :class:`.CLIPRecognizer`, whose method
            this is then, or another one with a :class:`.VCSHead`.
        inputs (Tensor): Videos as the recognizer takes them, normalised.
        data_samples (Sequence[ActionDataSample]): One for each video; those
            without attributes get them, if the recognizer associates any.
    """
    if hasattr(recognizer, 'score'):
        return recognizer.score(inputs, data_samples)
    return score_video(recognizer, inputs, data_samples, test_mode=True)


def score_video(
    recognizer: BaseRecognizer,
    inputs: Tensor,
    data_samples: Sequence = (),
    classes: Optional[ClassEmbeddings] = None,
    **options: Any,
) -> BranchScores:
    """Score videos by the video branch alone.

    Args:
        recognizer (BaseRecognizer): Of this project or of MMAction2.
        inputs (Tensor): Videos as the recognizer takes them, normalised.
        data_samples (Sequence[ActionDataSample]): Only a head that is no
            :class:`.VCSHead` needs them: it writes to them.
        classes (ClassEmbeddings, optional): Embeddings of the classes, where
            they are constants. Defaults to None: those of the head.
        **options: Further arguments of ``extract_feat``.
    """
    head = recognizer.cls_head
    features, more = recognizer.extract_feat(inputs, **options)
    if isinstance(head, VCSHead):
        # Not len(inputs), which would fix the batch size of an exported graph.
        return head.score(features, inputs.shape[0], classes=classes, **more)
    samples = head.predict(features, data_samples, **more)
    return BranchScores(torch.stack([s.pred_score for s in samples])[:, None])


def rank(recognizer: BaseRecognizer, scores: BranchScores) -> Tensor:
    """What videos and classes are ranked by; BIKE Eq. 4.

    Args:
        recognizer (BaseRecognizer): Whose scores they are.
        scores (BranchScores): Of at least one branch.

    Returns:
        Tensor: S [B, K], in double precision: views averaged, branches
        fused. It is V where a video has no attributes, A without video.
    """
    attributes: Any = None
    if scores.attributes is not None:
        attributes = recognizer.attributes_head.average_views(
            scores.attributes[:, None]
        )
    if scores.video is None:
        return attributes
    head = recognizer.cls_head
    video = (
        head.average_views(scores.video)
        if isinstance(head, VCSHead)
        else scores.video[:, 0]
    )
    if attributes is None:
        return video
    assert scores.known is not None
    known = scores.known.reshape(-1, *[1] * (attributes.ndim - 1))
    return fuse(video, torch.where(known, attributes, video), recognizer.fusion_weight)
