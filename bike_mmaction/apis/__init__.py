from .attributes import generate_attributes
from .branches import add_attributes_branch
from .building import build_recognizer, find_config, read_classes
from .inferencer import BIKEInferencer
from .pictures import ResultWriter, draw_recognition
from .protocols import few_shot, use_dataset, zero_shot
from .recognition import Recognition, describe
from .testing import add_test_arguments, average_tests, change_test
from .toolbox import (
    add_frame_arguments,
    check_cfg_options,
    load_toolbox_tool,
    parse_own_args,
    read_frames,
)

__all__ = [
    'BIKEInferencer',
    'Recognition',
    'ResultWriter',
    'add_attributes_branch',
    'add_frame_arguments',
    'add_test_arguments',
    'average_tests',
    'build_recognizer',
    'change_test',
    'check_cfg_options',
    'describe',
    'draw_recognition',
    'few_shot',
    'find_config',
    'generate_attributes',
    'load_toolbox_tool',
    'parse_own_args',
    'read_classes',
    'read_frames',
    'use_dataset',
    'zero_shot',
]
