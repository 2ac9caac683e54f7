from .attributes import generate_attributes
from .branches import add_attributes_branch
from .inferencer import BIKEInferencer, Recognition
from .protocols import few_shot, use_dataset, zero_shot
from .testing import add_test_arguments, average_tests, change_test
from .toolbox import check_cfg_options, load_toolbox_tool, parse_own_args

__all__ = [
    'BIKEInferencer', 'Recognition', 'add_attributes_branch',
    'add_test_arguments', 'average_tests', 'change_test', 'check_cfg_options',
    'few_shot', 'generate_attributes', 'load_toolbox_tool', 'parse_own_args',
    'use_dataset', 'zero_shot'
]
