from .clip import CLIPImageEncoder, CLIPTextEncoder
from .loss import ContrastiveLoss
from .recognizer import CLIPRecognizer
from .temporal import TemporalTransformer
from .text_head import TextHead
from .vcs_head import VCSHead

__all__ = [
    'CLIPImageEncoder', 'CLIPRecognizer', 'CLIPTextEncoder', 'ContrastiveLoss',
    'TemporalTransformer', 'TextHead', 'VCSHead'
]
