"""The video branch alone, with its classes as constants."""

import warnings
from collections.abc import Sequence
from typing import Optional

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.models import BaseRecognizer, Recognizer2D
from mmaction.structures import ActionDataSample
from torch import Tensor

from .fusion import BranchScores, confidences
from .scores import score_video
from .sharing import Unregistered
from .text_head import ClassEmbeddings
from .vcs_head import VCSHead

OUTPUTS = ('scores', 'confidences', 'saliency')


def head_of(recognizer: BaseRecognizer) -> VCSHead:
    """The head that is exported.

    Raises:
        ValueError: if it is another one, or none.
    """
    head = getattr(recognizer, 'cls_head', None)
    if not isinstance(head, VCSHead):
        raise ValueError(
            'only a model whose cls_head is a VCSHead can be '
            f'exported, got {type(head).__name__}'
        )
    return head


class VideoBranch(nn.Module):
    """A recognizer's video branch for the class names that it has now.

    Class and word embeddings are constants of it, as are mean and standard
    deviation of the pixels: it needs neither text tower nor config. Several
    views of a video are several clips; they are averaged outside of it.

    Args:
        recognizer (BaseRecognizer): With a :class:`.VCSHead`. It is put into
            evaluation mode; its weights are shared.
        shape (Sequence[int]): 3, T, H, W.

    Attributes:
        colors (str): 'RGB', or 'BGR' if that is what the recognizer takes.

    Raises:
        ValueError: if it has no such head, or weights of few digits.
    """

    class_sentence: Tensor
    class_words: Optional[Tensor]
    class_word_mask: Optional[Tensor]
    scale: Tensor
    bias: Optional[Tensor]
    mean: Tensor
    std: Tensor

    def __init__(self, recognizer: BaseRecognizer, shape: Sequence[int]) -> None:
        super().__init__()
        head = head_of(recognizer)
        if getattr(recognizer, 'attributes_head', None) is not None:
            warnings.warn(
                'only the video branch is exported: attribute '
                'sentences need a tokenizer'
            )
        dtype = getattr(recognizer.backbone, 'dtype', None)
        if isinstance(dtype, torch.dtype):
            raise ValueError(
                f"model.backbone.dtype='{str(dtype).rpartition('.')[2]}': files are "
                'exported from float32 weights; leave dtype out (checkpoints load '
                'without it too)'
            )
        self.shape = tuple(shape)
        recognizer.eval()
        self._recognizer = Unregistered(recognizer)  # not all of it is exported
        self.backbone, self.projection = recognizer.backbone, head.projection
        if recognizer.with_neck:
            self.neck = recognizer.neck
        self._by_image = isinstance(recognizer, Recognizer2D)
        self._add_constants()

    @property
    def recognizer(self) -> BaseRecognizer:
        """The recognizer."""
        return self._recognizer.module

    @property
    def head(self) -> VCSHead:
        """Its head."""
        return self.recognizer.cls_head

    @torch.no_grad()
    def _add_constants(self) -> None:
        classes = self.head.embed_classes(self.head.needs_words())
        for name, value in classes._asdict().items():
            if value is None:  # torch.export stumbles over empty buffers
                setattr(self, f'class_{name}', None)
            else:
                self.register_buffer(f'class_{name}', value)
        self.register_buffer('scale', self.head.logit_scale.exp())
        if self.head.bias is None:
            self.bias = None
        else:
            self.register_buffer('bias', self.head.bias.clone())
        preprocessor = self.recognizer.data_preprocessor
        for name, default in (('mean', 0.0), ('std', 1.0)):
            value = getattr(preprocessor, name, self.scale.new_tensor(default))
            self.register_buffer(name, value.reshape(-1, 1, 1, 1))
        # As the recognizer takes them, whose preprocessor may turn them.
        self.colors = 'BGR' if getattr(preprocessor, 'to_rgb', False) else 'RGB'

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Recognize clips.

        Args:
            frames (Tensor): [B, 3, T, H, W], from 0 to 255, float32.

        Returns:
            dict[str, Tensor]: ``scores`` [B, K], cosine class scores;
            ``confidences`` [B, K], softmax(logit_scale · scores), or each
            class by itself, see :func:`.confidences`;
            ``saliency`` [B, K, T].
        """
        if self.colors == 'BGR':
            frames = frames.flip(1)
        frames = (frames - self.mean) / self.std
        classes = ClassEmbeddings(
            self.class_sentence, self.class_words, self.class_word_mask
        )
        # Not in test mode, which may part the batch (max_testing_views).
        inputs = self._as_inputs(frames)
        return self._outputs(
            score_video(self.recognizer, inputs, classes=classes, stage='neck')
        )

    @torch.no_grad()
    def recognize(self, frames: Tensor) -> dict[str, Tensor]:
        """The same as :meth:`forward` in the recognizer's own way.

        With its data preprocessor, as in a test, and its text tower.
        """
        inputs = list(self._as_inputs(frames))
        data = self.recognizer.data_preprocessor(
            dict(inputs=inputs, data_samples=[ActionDataSample() for _ in inputs])
        )
        return self._outputs(
            score_video(self.recognizer, data['inputs'], test_mode=True)
        )

    def _as_inputs(self, frames: Tensor) -> Tensor:
        """As the recognizer takes them: one view, or T images."""
        return (
            frames.transpose(1, 2).contiguous() if self._by_image else frames[:, None]
        )

    def _outputs(self, scores: BranchScores) -> dict[str, Tensor]:
        """Of the only view, by name."""
        assert scores.video is not None and scores.saliency is not None
        cosines, saliency = scores.video[:, 0], scores.saliency[:, 0]
        shown = confidences(cosines, self.scale, self.bias)
        return dict(zip(OUTPUTS, (cosines, shown, saliency)))

    def random_frames(self, batch: int) -> Tensor:
        """Patches of random colours [B, 3, T, H, W], always the same.

        Noise without patches would look alike in all frames.
        """
        generator = torch.Generator().manual_seed(batch)
        channels, frames, height, width = self.shape
        patches = torch.randint(
            256, (batch * channels, frames, 4, 4), generator=generator
        )
        images = F.interpolate(patches.float(), (height, width))
        return images.unflatten(0, (batch, channels)).to(self.scale)
