from .few_shot import FewShotDataset, WriteFewShotList
from .transforms import (LoadAttributes, ReportUnreadable, SpacedThreeCrop,
                         SparseSampleFrames)

__all__ = [
    'FewShotDataset', 'LoadAttributes', 'ReportUnreadable',
    'SparseSampleFrames', 'SpacedThreeCrop', 'WriteFewShotList'
]
