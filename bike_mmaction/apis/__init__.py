"""What a Python user calls."""

from ..datasets.typed_names import read_classes
from ..renamed import old_names
from ..shipped import find_config
from .attributes import generate_attributes
from .building import build_recognizer
from .embedding_cache import embed_dataset
from .inference import (
    BIKEInferencer,
    Recognition,
    ResultWriter,
    describe,
    draw_recognition,
)
from .labelling import convert_labels, label_videos
from .own_data import OwnData, prepare_data
from .retrieval import Match, VideoSearch, embed_texts, embed_videos, search

__all__ = [
    'BIKEInferencer',
    'Match',
    'OwnData',
    'Recognition',
    'ResultWriter',
    'VideoSearch',
    'build_recognizer',
    'convert_labels',
    'describe',
    'draw_recognition',
    'embed_dataset',
    'embed_texts',
    'embed_videos',
    'find_config',
    'generate_attributes',
    'label_videos',
    'prepare_data',
    'read_classes',
    'search',
]

__getattr__ = old_names(__name__)
