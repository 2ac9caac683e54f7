from .attributes_dump import AttributesDump, PendingSampler
from .branch_metric import BranchMetric
from .dump_files import DumpScores
from .mean_ap import MeanAPMetric
from .readable import ReadableTestLoop
from .test_loop import ReportingTestLoop, ReportingValLoop
from .zero_shot_metric import ZeroShotMetric

__all__ = [
    'AttributesDump',
    'BranchMetric',
    'DumpScores',
    'MeanAPMetric',
    'PendingSampler',
    'ReadableTestLoop',
    'ReportingTestLoop',
    'ReportingValLoop',
    'ZeroShotMetric',
]
