from .association import AttributeAssociation
from .attributes_head import AttributesTextHead
from .clip.image_encoder import CLIPImageEncoder
from .clip.text_encoder import CLIPTextEncoder
from .data_preprocessor import OptionalVideoDataPreprocessor
from .interpolation import InterpolateWeights
from .loss import ContrastiveLoss, SigmoidLoss
from .per_frame import PerFrameBackbone
from .recognizer import CLIPRecognizer
from .temporal import TemporalTransformer
from .text_head import TextHead
from .untrained import ReadPretrained
from .vcs_head import VCSHead

__all__ = [
    'AttributeAssociation',
    'AttributesTextHead',
    'CLIPImageEncoder',
    'CLIPRecognizer',
    'CLIPTextEncoder',
    'ContrastiveLoss',
    'InterpolateWeights',
    'OptionalVideoDataPreprocessor',
    'PerFrameBackbone',
    'ReadPretrained',
    'SigmoidLoss',
    'TemporalTransformer',
    'TextHead',
    'VCSHead',
]
