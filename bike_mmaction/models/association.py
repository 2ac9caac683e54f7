"""Video-attributes association: retrieve phrases for a video (section 2.2).

It is zero-shot recognition of the video among the phrases of a lexicon, with
mean pooling, by a CLIP that was not fine-tuned. So the model that does it is
a :class:`.CLIPRecognizer` with a :class:`.VCSHead` like any other.
"""
import copy
from typing import List, Optional, Sequence, Tuple, Union

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import Tensor

from ..datasets.lexicon import load_lexicon
from .pretrained import get_arch
from .text_head import PROMPT


def association_model(model: dict,
                      lexicon: Union[str, Sequence[str]],
                      prompt: str = PROMPT,
                      pretrained: Optional[str] = None) -> dict:
    """Config of the recognizer that compares videos with a lexicon.

    Args:
        model (dict): Config of a recognizer whose ``backbone`` is a
            :class:`.CLIPImageEncoder`: says which CLIP to use.
        lexicon (str | Sequence[str]): See
            :func:`bike_mmaction.datasets.lexicon.load_lexicon`.
        prompt (str): Sentence with ``{}`` for the phrase.
        pretrained (str, optional): Weights of both towers. Defaults to None:
            those that ``model`` names.

    Returns:
        dict: Its class scores are cosines with the phrases, averaged over
        the views.

    Raises:
        ValueError: if the backbone is no CLIP or has no weights, or the
            lexicon does not fit.
    """
    backbone = copy.deepcopy(model.get('backbone') or {})
    if backbone.get('type') != 'CLIPImageEncoder':
        raise ValueError(
            'attributes are associated by CLIP: model.backbone must be a '
            f"CLIPImageEncoder, got {backbone.get('type')!r}")
    # The toolbox's APIs remove that of the backbone.
    text_encoder = (model.get('cls_head') or {}).get('text_encoder') or {}
    pretrained = pretrained or backbone.get('pretrained') or \
        text_encoder.get('pretrained')
    if not pretrained:
        raise ValueError(
            'attributes are associated by a trained CLIP: neither '
            'model.backbone.pretrained nor '
            'model.cls_head.text_encoder.pretrained names its weights')
    backbone.update(frozen=True, with_cp=False, pretrained=pretrained)
    text_encoder = dict(
        type='CLIPTextEncoder',
        arch=backbone['arch'],
        pretrained=pretrained,
        frozen=True)
    phrases = load_lexicon(lexicon)
    return dict(
        type='CLIPRecognizer',
        backbone=backbone,
        cls_head=dict(
            type='VCSHead',
            num_classes=len(phrases),
            in_channels=get_arch(backbone['arch'])['embed_dim'],
            class_names=phrases,
            prompt=prompt,
            aggregation='mean',
            average_clips='score',
            text_encoder=text_encoder),
        data_preprocessor=copy.deepcopy(model.get('data_preprocessor')),
        test_cfg=copy.deepcopy(model.get('test_cfg')))


def nearest_phrases(scores: Tensor, phrases: Sequence[str],
                    topk: int) -> Tuple[List[str], List[float]]:
    """The attributes of a video.

    Args:
        scores (Tensor): Cosine similarity with each phrase.
        phrases (Sequence[str]): The lexicon.
        topk (int): How many to take.

    Returns:
        tuple[list[str], list[float]]: Phrases, the nearest first, and their
        scores.
    """
    best = scores.topk(topk)
    return [phrases[i] for i in best.indices.tolist()], best.values.tolist()


class AttributeAssociation(nn.Module):
    """Attributes for videos that no attribute file knows.

    Args:
        model (dict): Config of the recognizer, see
            :func:`association_model`.
        lexicon (str | Sequence[str]): See :func:`association_model`.
        topk (int): Attributes per video. Defaults to 5.
        prompt (str): See :func:`association_model`.
        pretrained (str, optional): See :func:`association_model`.

    Raises:
        ValueError: as :func:`association_model`, or if ``topk`` exceeds the
            lexicon.
    """

    def __init__(self,
                 model: dict,
                 lexicon: Union[str, Sequence[str]],
                 topk: int = 5,
                 prompt: str = PROMPT,
                 pretrained: Optional[str] = None) -> None:
        super().__init__()
        self.recognizer = MODELS.build(
            association_model(model, lexicon, prompt, pretrained)).eval()
        size = self.recognizer.cls_head.num_classes
        if not 1 <= topk <= size:
            raise ValueError(f'topk={topk}, but the lexicon has {size} '
                             'phrases')
        self.topk = topk
        self._has_weights = False

    def read_weights(self) -> None:
        """Read CLIP's original weights, once; every rank must call this.

        The recognizer's own may have been fine-tuned.
        """
        if not self._has_weights:
            self.recognizer.init_weights()
            self._has_weights = True

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> List[Tuple[List[str], List[float]]]:
        """Associate attributes.

        Args:
            inputs (Tensor): Normalised videos [B, V, 3, T, H, W].

        Returns:
            list[tuple[list[str], list[float]]]: The phrases of each video,
            the nearest first, and their cosines with it.
        """
        recognizer = self.recognizer
        if next(recognizer.parameters()).device != inputs.device:
            recognizer.to(inputs.device)  # forgets the embedded lexicon
        samples = recognizer.predict(inputs,
                                     [ActionDataSample() for _ in inputs])
        names = recognizer.cls_head.class_names
        return [
            nearest_phrases(s.pred_score, names, self.topk) for s in samples
        ]
