"""The attributes of a video, beside its frames."""

from typing import Optional

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...errors import PipelineError
from ...files import source_of
from ..attribute_file import load_attribute_file


@TRANSFORMS.register_module()
class LoadAttributes(BaseTransform):
    """Attributes of the video from an attribute file (BIKE section 2.2).

    Required keys: filename or frame_dir. Added key: attributes, a list of
    phrases, the nearest first. ``PackActionInputs`` passes it on with
    ``algorithm_keys=('attributes', )``.

    Args:
        ann_file (str): JSON in the layout of the authors' files, see
            :mod:`bike_mmaction.datasets.attribute_file`. Keys may have an
            extension or none, and more or fewer leading folders.
        topk (int, optional): How many phrases to take. Defaults to 5, as
            published (Table 6d). None: all.
        missing (str): What to do with a video that has no attributes:
            'error', or 'skip', which gives it an empty list. It then counts
            for the video branch only. Defaults to 'error'.
        shuffle (bool): Whether to change the order of the phrases by chance,
            for training. Defaults to False.
        drop_prob (float): Probability that a phrase is left out, for
            training; one always stays. Defaults to 0.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not in the layout, or has too few phrases.
    """

    def __init__(
        self,
        ann_file: str,
        topk: Optional[int] = 5,
        missing: str = 'error',
        shuffle: bool = False,
        drop_prob: float = 0.0,
    ) -> None:
        if topk is not None and topk < 1:
            raise ValueError(f'topk={topk} must be positive, or None')
        if missing not in ('error', 'skip'):
            raise ValueError(f"missing={missing!r}; choose 'error' or 'skip'")
        if not 0 <= drop_prob < 1:
            raise ValueError(f'drop_prob={drop_prob} is not in [0, 1)')
        self.ann_file = ann_file
        self.topk = topk
        self.missing = missing
        self.shuffle = shuffle
        self.drop_prob = drop_prob
        self.file = load_attribute_file(ann_file)
        self.file.check(topk, allow_empty=missing == 'skip')

    def transform(self, results: dict) -> dict:
        """Add ``attributes``.

        Raises:
            PipelineError: if the video has none, and ``missing='error'``.
        """
        video = source_of(results, '')
        try:
            listed = self.file.find(video)
        except ValueError as error:  # the video itself need not exist
            raise PipelineError(str(error)) from error
        if listed is None and self.missing == 'error':
            raise PipelineError(
                f"no attributes for '{video}' in '{self.ann_file}', which has "
                f'{self.file.examples()}. Is it of another data set or split? '
                "LoadAttributes(missing='skip') leaves such videos to the "
                'video branch'
            )
        phrases = list(listed or ())[: self.topk]
        if self.shuffle:
            phrases = [phrases[i] for i in np.random.permutation(len(phrases))]
        if self.drop_prob and phrases:
            kept = np.random.rand(len(phrases)) >= self.drop_prob
            kept[np.random.randint(len(phrases))] = True
            phrases = [p for p, keep in zip(phrases, kept) if keep]
        results['attributes'] = phrases
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(ann_file={self.ann_file!r}, '
            f'topk={self.topk}, missing={self.missing!r}, '
            f'shuffle={self.shuffle}, drop_prob={self.drop_prob})'
        )
