"""What a Python user calls."""

from ..datasets.typed_names import read_classes
from ..renamed import old_names
from ..shipped import find_config
from .attributes import generate_attributes
from .building import build_recognizer
from .embedding_cache import embed_dataset
from .inferencer import BIKEInferencer
from .label_exports import convert_labels
from .labelling import label_videos
from .own_data import OwnData, prepare_data
from .pictures import ResultWriter, draw_recognition
from .recognition import Recognition, describe
from .search import Match, VideoSearch, embed_texts, search
from .video_embeddings import embed_videos

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
