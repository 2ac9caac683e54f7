"""The branches of a recognizer: what fits together, what has weights."""

import logging
import warnings
from collections.abc import Sequence
from typing import Optional

import torch.nn as nn
from mmengine.logging import print_log

from ..files import source_of
from .fusion import BranchScores

BRANCHES = ('video', 'attributes')


class BranchWeights:
    """What is known of the weights of a recognizer's branches.

    The recognizer tells what happens to its weights, and asks before it
    trains or recognizes. Of a model that was only built nothing is known:
    it may be used.

    Args:
        trained (Sequence[str]): Branches that are trained.
        has_video (bool): Whether there is a video branch.
    """

    def __init__(self, trained: Sequence[str], has_video: bool) -> None:
        self._trains_attributes = 'attributes' in trained
        self._video_stays = has_video and 'video' not in trained
        self._attributes_are_random = False

    def initialized(self) -> None:
        """Weights were drawn, or those of CLIP were read."""
        self._attributes_are_random = self._trains_attributes

    def loaded(self, with_attributes: bool) -> None:
        """A checkpoint was loaded."""
        self._video_stays = False
        self._attributes_are_random = self._trains_attributes and not with_attributes

    def trained(self) -> None:
        """A training step begins; warns of a video branch left random."""
        self._attributes_are_random = False
        if self._video_stays:
            self._video_stays = False  # once is enough
            print_log(
                'the video branch is not trained here, and no checkpoint of '
                'it was loaded: name one in `load_from`',
                'current',
                logging.WARNING,
            )

    @property
    def may_lack_attributes(self) -> bool:
        """Whether a checkpoint may come without the attributes branch.

        The paper's second stage starts from a model of the video branch.
        """
        return self._trains_attributes

    def check(self) -> None:
        """Refuse to recognize by random weights.

        Raises:
            RuntimeError: if the attributes branch is untrained.
        """
        if self._attributes_are_random:
            raise RuntimeError(
                'the attributes branch is untrained: the checkpoint has no '
                'attributes_head.* tensors. Train it from that checkpoint (load_from), '
                'or plug it in (attributes_head.mlp=False, '
                'train_branches=None)'
            )


def check_parts(
    backbone: Optional[dict],
    cls_head: Optional[dict],
    neck: Optional[dict],
    attributes_head: Optional[dict],
) -> None:
    """Each branch is whole.

    Raises:
        ValueError: naming what is missing.
    """
    if backbone is None:
        if cls_head or neck or not attributes_head:
            raise ValueError(
                'without `backbone` there can be no '
                '`cls_head` and no `neck`, and there must be '
                'an `attributes_head`'
            )
    elif attributes_head and not cls_head:
        raise ValueError(
            'a `backbone` without `cls_head` gives the '
            '`attributes_head` nothing to fuse with'
        )


def choose_branches(
    asked: Optional[Sequence[str]], trainable: Sequence[str]
) -> tuple[str, ...]:
    """The branches to train.

    Args:
        asked (Sequence[str], optional): None for all that can be trained.
        trainable (Sequence[str]): Those of the model that can be.

    Raises:
        ValueError: if one asked for cannot be trained, or none is named.
    """
    if asked is None:
        return tuple(trainable)
    asked = (asked,) if isinstance(asked, str) else tuple(asked)
    if not asked or not set(asked) <= set(trainable):
        raise ValueError(
            f'train_branches={asked!r}; of {BRANCHES} this '
            f'model can train {tuple(trainable)}'
        )
    return asked


def check_same_classes(
    cls_head: Optional[nn.Module], attributes_head: nn.Module
) -> None:
    """Scores of different classes cannot be fused.

    Raises:
        ValueError: naming what the heads differ in, or a head whose classes do
            not compete.
    """
    for name, head in (('cls_head', cls_head), ('attributes_head', attributes_head)):
        if getattr(head, 'bias', None) is not None:
            raise ValueError(
                f'{name}.loss_cls is a SigmoidLoss, for videos with several classes, '
                'which only a video branch alone can be trained for: leave out '
                'attributes_head, or take ContrastiveLoss'
            )
    for name in ('num_classes', 'average_clips', 'class_names'):
        values = [getattr(head, name, None) for head in (cls_head, attributes_head)]
        if None not in values and values[0] != values[1]:
            raise ValueError(
                f'the heads must have the same {name}, for their '
                f'scores to be fused: cls_head has {values[0]!r}, '
                f'attributes_head has {values[1]!r}'
            )


def check_widths(
    backbone: nn.Module, neck: Optional[nn.Module], cls_head: Optional[nn.Module]
) -> None:
    """Neck and head take embeddings of the backbone's width.

    Raises:
        ValueError: naming the option that does not fit.
    """
    width, widths = backbone.embed_dims, {}
    if neck is not None:
        widths['neck.embed_dims'] = getattr(neck, 'embed_dims', width)
    if cls_head is not None:
        widths['cls_head.in_channels'] = cls_head.in_channels
    for name, value in widths.items():
        if value != width:
            raise ValueError(
                f"{name}={value}, but the backbone's embeddings have {width} channels"
            )


def warn_of_two_clips(backbone: nn.Module, text_encoder: nn.Module) -> None:
    """Towers of different CLIPs have nothing in common."""
    for name in ('arch', 'pretrained'):
        image_value, text_value = getattr(backbone, name), getattr(text_encoder, name)
        if image_value != text_value:
            warnings.warn(
                f'backbone.{name}={image_value!r}, but '
                f'cls_head.text_encoder.{name}={text_value!r}: embeddings '
                'of images and of texts are comparable only if both '
                'towers come from one CLIP'
            )


def has_video(inputs) -> bool:
    """Whether the pipeline has decoded any; else the inputs are an empty dict."""
    return not isinstance(inputs, dict) or bool(inputs)


def require_video(inputs) -> None:
    """Refuse a batch without video.

    Raises:
        ValueError: if the pipeline has decoded none.
    """
    if not has_video(inputs):
        raise ValueError(
            'the batch has no video, but is for a branch that needs it: '
            'the pipeline must decode frames, and PackActionInputs must '
            'not have collect_keys=()'
        )


def check_inputs(inputs, takes_embeddings: bool) -> None:
    """Refuse what is neither clips nor frame embeddings that were kept.

    Args:
        inputs (Tensor): Of a batch.
        takes_embeddings (bool): Whether the backbone passes on its own.

    Raises:
        ValueError: if these are images, no clips.
    """
    if inputs.ndim == 6 or (inputs.ndim == 4 and takes_embeddings):
        return
    raise ValueError(
        'CLIPRecognizer takes videos [B, V, C, T, H, W], got '
        f'{tuple(inputs.shape)}: the pipeline needs '
        "FormatShape(input_format='NCTHW')"
    )


def require_attributes(scores: BranchScores, data_samples: Sequence) -> None:
    """Where there is no video, all samples must have attributes.

    Raises:
        ValueError: naming the first that has none.
    """
    known = [False] * len(data_samples)
    if scores.known is not None:
        known = scores.known.tolist()
    for sample, has_attributes in zip(data_samples, known):
        if not has_attributes:
            raise ValueError(
                f"'{source_of(sample)}' has neither attributes nor video: "
                'nothing to recognize it by'
            )
