from .attributes_dump import AttributesDump, PendingSampler
from .branch_metric import BranchMetric
from .test_loop import ReadableTestLoop

__all__ = [
    'AttributesDump', 'BranchMetric', 'PendingSampler', 'ReadableTestLoop'
]
