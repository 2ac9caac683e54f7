"""Batches with or without video, or with frame embeddings in place of it."""

from collections.abc import Sequence
from typing import Any, Union

import torch
from mmaction.models.data_preprocessors import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from mmengine.structures import BaseDataElement
from torch import Tensor

from ..datasets.class_names import HEADS
from .class_loss import ClassLossHead
from .transfer import copy_to, takes_in_order

PLAIN = ('ActionDataPreprocessor', 'mmaction.ActionDataPreprocessor')


@MODELS.register_module()
class OptionalVideoDataPreprocessor(ActionDataPreprocessor):
    """MMAction2's preprocessor, for pipelines that may decode no video.

    Where ``PackActionInputs(collect_keys=())`` packs nothing, ``inputs`` is
    an empty dict and stays one. Frame embeddings [V, T, D], of
    :class:`.LoadFrameEmbeddings`, are batched and nothing else. Arguments are
    those of ``ActionDataPreprocessor``.

    A batch is copied to a GPU without waiting for it.

    Attributes:
        keeps_samples (bool): Whether samples of a training stay on the host, where
            heads of this project look at their labels, see :func:`keep_samples`.
            Those of MMAction2 copy labels themselves.
    """

    keeps_samples = True

    def forward(
        self, data: Union[dict, tuple], training: bool = False
    ) -> Union[dict, tuple]:
        """Normalise and batch the videos, if there are any."""
        if not isinstance(data, dict):
            return super().forward(data, training)
        # Videos first: a GPU has them to copy while the host makes samples.
        others = {key: value for key, value in data.items() if key != 'data_samples'}
        batch = dict(self.cast_data(others), data_samples=data.get('data_samples'))
        if training:  # where labels may be blended, too
            batch['data_samples'] = self._samples_of_training(batch['data_samples'])
        if not isinstance(batch['inputs'], dict) or batch['inputs']:
            batch = self.forward_onesample(batch, training=training)
        if not training:
            batch['data_samples'] = self.cast_data(batch['data_samples'])
        return batch

    def _samples_of_training(self, samples: Any) -> Any:
        if self.keeps_samples and samples is not None:
            # Copies as well: what is written to them is not the loader's.
            return [sample.to('cpu') for sample in samples]
        return self.cast_data(samples)

    def cast_data(self, data: Any) -> Any:
        """As of MMEngine, but never waiting."""
        if isinstance(data, Tensor):
            return copy_to(data, self.device)
        if isinstance(data, BaseDataElement):
            return data.to(self.device, non_blocking=takes_in_order(self.device))
        return super().cast_data(data)

    def preprocess(
        self, inputs: Sequence[Tensor], data_samples: SampleList, training: bool = False
    ) -> tuple:
        """As MMAction2's for videos; embeddings become [B, V, T, D].

        Raises:
            ValueError: if batches are blended, which is done before the towers.
        """
        if inputs[0].ndim != 3:
            return super().preprocess(inputs, data_samples, training)
        if self.blending is not None:
            raise ValueError(
                'data_preprocessor.blending mixes images, but these are frame '
                'embeddings: train without it, or decode the videos'
            )
        return torch.stack(list(inputs)).float(), data_samples


def without_waiting(config: Any) -> Any:
    """MMAction2's preprocessor becomes the one here, which gives the same.

    Args:
        config (dict | nn.Module, optional): Of ``data_preprocessor``; None is
            that of MMAction2's recognizers, without normalisation.
    """
    if config is None:
        config = dict(type=PLAIN[0])
    if isinstance(config, dict) and config.get('type') in PLAIN:
        return dict(config, type=OptionalVideoDataPreprocessor)
    return config


def keep_samples(model: Any) -> None:
    """Let the samples of a training stay on the host, if all heads want them there.

    Args:
        model (nn.Module): A recognizer with all its parts.
    """
    heads = [getattr(model, name, None) for name in HEADS]
    if isinstance(model.data_preprocessor, OptionalVideoDataPreprocessor):
        model.data_preprocessor.keeps_samples = all(
            isinstance(head, ClassLossHead) for head in heads if head is not None
        )
