from .few_shot import FewShotDataset, WriteFewShotList
from .segments import KeepSegment, NamedFrameDataset, VideoSegmentDataset
from .transforms import (LoadAttributes, ReportUnreadable, SpacedThreeCrop,
                         SparseSampleFrames)

__all__ = [
    'FewShotDataset', 'KeepSegment', 'LoadAttributes', 'NamedFrameDataset',
    'ReportUnreadable', 'SparseSampleFrames', 'SpacedThreeCrop',
    'VideoSegmentDataset', 'WriteFewShotList'
]
