from .few_shot import FewShotDataset, WriteFewShotList
from .segments import KeepSegment, NamedFrameDataset, VideoSegmentDataset
from .shard_sampler import ShardSampler
from .transforms import (
    AntialiasedResize,
    DenseClipSampleFrames,
    LoadAttributes,
    LoadFrameEmbeddings,
    RepeatSample,
    ReportUnreadable,
    RoundedCenterCrop,
    SpacedFiveCrop,
    SpacedTenCrop,
    SpacedThreeCrop,
    SparseSampleFrames,
    VideoDecode,
    VideoInit,
)

__all__ = [
    'AntialiasedResize',
    'DenseClipSampleFrames',
    'FewShotDataset',
    'KeepSegment',
    'LoadAttributes',
    'LoadFrameEmbeddings',
    'NamedFrameDataset',
    'RepeatSample',
    'ReportUnreadable',
    'RoundedCenterCrop',
    'ShardSampler',
    'SpacedFiveCrop',
    'SpacedTenCrop',
    'SpacedThreeCrop',
    'SparseSampleFrames',
    'VideoDecode',
    'VideoInit',
    'VideoSegmentDataset',
    'WriteFewShotList',
]
