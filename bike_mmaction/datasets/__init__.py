from .transforms import (LoadAttributes, ReportUnreadable, SpacedThreeCrop,
                         SparseSampleFrames)

__all__ = [
    'LoadAttributes', 'ReportUnreadable', 'SparseSampleFrames',
    'SpacedThreeCrop'
]
