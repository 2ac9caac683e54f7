from .transforms import SpacedThreeCrop, SparseSampleFrames

__all__ = ['SparseSampleFrames', 'SpacedThreeCrop']
