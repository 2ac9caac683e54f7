"""Batches with or without video, or with frame embeddings in place of it."""

from collections.abc import Sequence
from typing import Union

import torch
from mmaction.models.data_preprocessors import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor


@MODELS.register_module()
class OptionalVideoDataPreprocessor(ActionDataPreprocessor):
    """MMAction2's preprocessor, for pipelines that may decode no video.

    Where ``PackActionInputs(collect_keys=())`` packs nothing, ``inputs`` is
    an empty dict and stays one. Frame embeddings [V, T, D], of
    :class:`.LoadFrameEmbeddings`, are batched and nothing else. Arguments are
    those of ``ActionDataPreprocessor``.
    """

    def forward(
        self, data: Union[dict, tuple], training: bool = False
    ) -> Union[dict, tuple]:
        """Normalise and batch the videos, if there are any."""
        if (
            isinstance(data, dict)
            and isinstance(data['inputs'], dict)
            and not data['inputs']
        ):
            return self.cast_data(data)
        return super().forward(data, training)

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
