"""Batches with or without video."""

from typing import Union

from mmaction.models.data_preprocessors import ActionDataPreprocessor
from mmaction.registry import MODELS


@MODELS.register_module()
class OptionalVideoDataPreprocessor(ActionDataPreprocessor):
    """MMAction2's preprocessor, for pipelines that may decode no video.

    Where ``PackActionInputs(collect_keys=())`` packs nothing, ``inputs`` is
    an empty dict and stays one. Arguments are those of
    ``ActionDataPreprocessor``.
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
