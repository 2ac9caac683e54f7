"""Transforms that BIKE adds to MMAction2's pipelines."""

from .attributes import LoadAttributes
from .embeddings import LoadFrameEmbeddings, video_of
from .frames import (
    DenseClipSampleFrames,
    SparseSampleFrames,
    random_in_segments,
    segment_starts,
)
from .images import (
    AntialiasedResize,
    RoundedCenterCrop,
    SpacedFiveCrop,
    SpacedTenCrop,
    SpacedThreeCrop,
)
from .repeat import RepeatSample
from .unreadable import ReportUnreadable
from .video import VideoDecode, VideoInit

__all__ = [
    'AntialiasedResize',
    'DenseClipSampleFrames',
    'LoadAttributes',
    'LoadFrameEmbeddings',
    'RepeatSample',
    'ReportUnreadable',
    'RoundedCenterCrop',
    'SpacedFiveCrop',
    'SpacedTenCrop',
    'SpacedThreeCrop',
    'SparseSampleFrames',
    'VideoDecode',
    'VideoInit',
    'random_in_segments',
    'segment_starts',
    'video_of',
]
