from .attributes_dump import AttributesDump, PendingSampler
from .branch_metric import BranchMetric
from .mean_ap import MeanAPMetric
from .test_loop import ReadableTestLoop, ReportingTestLoop
from .zero_shot_metric import ZeroShotMetric

__all__ = [
    'AttributesDump',
    'BranchMetric',
    'MeanAPMetric',
    'PendingSampler',
    'ReadableTestLoop',
    'ReportingTestLoop',
    'ZeroShotMetric',
]
