"""Several samples of one video."""

import copy

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose


@TRANSFORMS.register_module()
class RepeatSample(BaseTransform):
    """The rest of a pipeline, several times over (repeated augmentation).

    A video that was decoded once gives several samples, which differ by
    chance. The loader needs ``collate_fn=dict(type='repeat_pseudo_collate')``
    to put them into one batch. MMAction2's ``RepeatAugDataset`` does so for
    whole video files alone; this works on any data set.

    Required and added keys are those of the transforms.

    Args:
        transforms (list[dict]): What is repeated; the end of the pipeline.
        num_repeats (int): Samples of each video.

    Raises:
        ValueError: if ``num_repeats`` is not positive.
    """

    def __init__(self, transforms: list[dict], num_repeats: int) -> None:
        if num_repeats < 1:
            raise ValueError(f'num_repeats={num_repeats} must be positive')
        self.transforms = Compose(transforms)
        self.num_repeats = num_repeats

    def transform(self, results: dict) -> list[dict]:
        """Apply the transforms to copies: some change images in place.

        Returns:
            list[dict]: The samples.
        """
        return [
            self.transforms(copy.deepcopy(results)) for _ in range(self.num_repeats)
        ]

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(transforms={self.transforms}, '
            f'num_repeats={self.num_repeats})'
        )
