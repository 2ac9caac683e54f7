from .attributes_dump import AttributesDump, PendingSampler
from .branch_metric import BranchMetric
from .test_loop import ReadableTestLoop
from .zero_shot_metric import ZeroShotMetric

__all__ = [
    'AttributesDump', 'BranchMetric', 'PendingSampler', 'ReadableTestLoop',
    'ZeroShotMetric'
]
