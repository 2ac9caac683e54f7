"""Views of a video: which clips and crops of it a model sees in a test."""

import re
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ..renamed import old_names

SPARSE, DENSE = 'SparseSampleFrames', 'DenseClipSampleFrames'
# Crops by the type of their transform; where several make as many, the last
# is the one that is set.
CROPS = {
    'CenterCrop': 1,
    'RoundedCenterCrop': 1,
    'ThreeCrop': 3,
    'SpacedThreeCrop': 3,
    'SpacedFiveCrop': 5,
    'TenCrop': 10,
    'SpacedTenCrop': 10,
}
CROP_OF = {number: name for name, number in CROPS.items()}


class Views(NamedTuple):
    """Views of a video in a test.

    Attributes:
        num_clips (int): Temporal clips.
        num_crops (int): Spatial crops of each: 1, 3 (along the width), 5
            (corners and middle) or 10 (these and their mirror images).
        dense (bool): Whether a clip shows a part of the video instead of all
            of it.
    """

    num_clips: int
    num_crops: int
    dense: bool = False

    def __str__(self) -> str:
        return f'{self.num_clips}x{self.num_crops}{"d" if self.dense else ""}'


def parse_views(views: str) -> Views:
    """Read ``'4x3'``: 4 temporal clips times 3 spatial crops.

    ``'10x3d'`` are 10 dense clips times 3 crops, see :class:`Views`.

    Raises:
        ValueError: if it is not clips x crops, or the crops not 1, 3, 5, 10.
    """
    numbers = '|'.join(map(str, CROP_OF))
    match = re.fullmatch(rf'([1-9]\d*)x({numbers})(d?)', str(views).strip().lower())
    if not match:
        raise ValueError(
            f'views={views!r} is not understood; write temporal clips x '
            'spatial crops, such as 1x1, 4x1 or 4x3 (crops: 1, 3, 5 or 10), '
            'and 10x3d for clips that are sampled densely'
        )
    return Views(int(match[1]), int(match[2]), bool(match[3]))


def views_of(pipeline: Sequence[dict]) -> Optional[str]:
    """The views of a pipeline, such as '4x3'; None where it does not tell."""
    samplers = [t for t in pipeline if t['type'] in (SPARSE, DENSE)]
    crops = [CROPS[t['type']] for t in pipeline if t['type'] in CROPS]
    if not samplers or not crops:
        return None
    sampler = samplers[0]
    return str(Views(sampler.get('num_clips', 1), max(crops), sampler['type'] == DENSE))


__getattr__ = old_names(__name__)
