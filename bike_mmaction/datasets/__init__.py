from .transforms import SparseSampleFrames, SpacedThreeCrop

__all__ = ['SparseSampleFrames', 'SpacedThreeCrop']
