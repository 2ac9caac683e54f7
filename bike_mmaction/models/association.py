"""Video-attributes association: retrieve phrases for a video (section 2.2).

It is zero-shot recognition of the video among the phrases of a lexicon, with
mean pooling, by a CLIP that was not fine-tuned. So the model that does it is
a :class:`.CLIPRecognizer` with a :class:`.VCSHead` like any other.
"""

import copy
from collections.abc import Sequence
from typing import Optional, Union

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import Tensor

from ..datasets.lexicon import load_lexicon
from .clip.architectures import Arch, arch_name, get_arch
from .clip.preprocessing import image_size, preprocessing_of
from .text_head import PROMPT

# Of the authors' attribute files, whatever architecture is trained on them.
ATTRIBUTES_CLIP = dict(arch='ViT-L-14-quickgelu', pretrained='openai')


def association_model(
    model: dict,
    lexicon: Union[str, Sequence[str]],
    prompt: str = PROMPT,
    pretrained: Optional[str] = None,
    arch: Optional[Arch] = None,
) -> dict:
    """Config of the recognizer that compares videos with a lexicon.

    Args:
        model (dict): Config of a recognizer whose ``backbone`` is a
            :class:`.CLIPImageEncoder`.
        lexicon (str | Sequence[str]): See
            :func:`bike_mmaction.datasets.lexicon.load_lexicon`.
        prompt (str): Sentence with ``{}`` for the phrase.
        pretrained (str, optional): Weights of both towers. Defaults to None:
            those that ``model`` names.
        arch (str | dict, optional): Another CLIP than that of ``model``, one
            of the same image size. Defaults to None: that of ``model``.

    Returns:
        dict: Its class scores are cosines with the phrases, averaged over
        the views.

    Raises:
        ValueError: if the backbone is no CLIP or has no weights, ``arch``
            wants other images, or the lexicon does not fit.
    """
    backbone = _frozen_backbone(model, pretrained, arch)
    phrases = load_lexicon(lexicon)
    # It alone takes images, and tells the head how many a video has.
    kind = model.get('type', '')
    by_image = getattr(kind, '__name__', kind).endswith('Recognizer2D')
    segments = (model.get('cls_head') or {}).get('num_segments') if by_image else None
    return dict(
        type='Recognizer2D' if by_image else 'CLIPRecognizer',
        backbone=backbone,
        cls_head=dict(
            type='VCSHead',
            num_classes=len(phrases),
            in_channels=get_arch(backbone['arch'])['embed_dim'],
            class_names=phrases,
            prompt=prompt,
            aggregation='mean',
            average_clips='score',
            num_segments=segments,
            text_encoder=dict(
                type='CLIPTextEncoder',
                arch=backbone['arch'],
                pretrained=backbone['pretrained'],
                frozen=True,
            ),
        ),
        data_preprocessor=copy.deepcopy(model.get('data_preprocessor')),
        test_cfg=copy.deepcopy(model.get('test_cfg')),
    )


def _frozen_backbone(
    model: dict, pretrained: Optional[str], arch: Optional[Arch]
) -> dict:
    """Config of the image tower, see :func:`association_model`."""
    backbone = copy.deepcopy(model.get('backbone') or {})
    if backbone.get('type') != 'CLIPImageEncoder':
        raise ValueError(
            'attributes are associated by CLIP: model.backbone must be a '
            f'CLIPImageEncoder, got {backbone.get("type")!r}'
        )
    # MMAction2's APIs remove that of the backbone.
    text_encoder = (model.get('cls_head') or {}).get('text_encoder') or {}
    pretrained = (
        pretrained or backbone.get('pretrained') or text_encoder.get('pretrained')
    )
    if not pretrained:
        raise ValueError(
            'attributes are associated by a trained CLIP: neither '
            'model.backbone.pretrained nor '
            'model.cls_head.text_encoder.pretrained names its weights'
        )
    if arch is not None:
        _check_images(model, arch, pretrained)
        backbone['arch'] = arch
    backbone.pop('patch_dropout', None)  # of training
    backbone.update(frozen=True, with_cp=False, pretrained=pretrained)
    return backbone


def clip_of(options: Optional[dict]) -> dict:
    """Of the ``association`` of a model, which CLIP: arch and pretrained."""
    return {
        key: value
        for key, value in (options or {}).items()
        if key in ('arch', 'pretrained')
    }


def _check_images(model: dict, arch: Arch, pretrained: str) -> None:
    """Both CLIPs look at the same images."""
    (own, _), (other, _) = image_size(model['backbone']['arch']), image_size(arch)
    if own != other:
        raise ValueError(
            f'association.arch={arch_name(arch)} takes images of {other} '
            f'pixels, but those of the config have {own}: name a CLIP of '
            'that size'
        )
    options = model.get('data_preprocessor') or {}
    images = preprocessing_of(arch, pretrained)
    if images is None:
        return
    for key, fits in (('mean', images.has_mean), ('std', images.has_std)):
        if key in options and not fits(options[key]):
            raise ValueError(
                f'association.arch={arch_name(arch)} needs images with other '
                f'{key} than data_preprocessor.{key}={list(options[key])}: '
                f'name a CLIP whose {key} is that'
            )


def nearest_phrases(
    scores: Tensor, phrases: Sequence[str], topk: int
) -> tuple[list[str], list[float]]:
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
        arch (str | dict, optional): See :func:`association_model`.

    Raises:
        ValueError: as :func:`association_model`, or if ``topk`` exceeds the
            lexicon.
    """

    def __init__(
        self,
        model: dict,
        lexicon: Union[str, Sequence[str]],
        topk: int = 5,
        prompt: str = PROMPT,
        pretrained: Optional[str] = None,
        arch: Optional[Arch] = None,
    ) -> None:
        super().__init__()
        self.recognizer = MODELS.build(
            association_model(model, lexicon, prompt, pretrained, arch)
        ).eval()
        size = self.recognizer.cls_head.num_classes
        if not 1 <= topk <= size:
            raise ValueError(f'topk={topk}, but the lexicon has {size} phrases')
        self.topk = topk
        self._has_weights = False

    def read_weights(self) -> None:
        """Read CLIP's original weights, once; every rank must call this.

        The recognizer's own may have been fine-tuned.
        """
        if not self._has_weights:
            self.recognizer.init_weights()
            self._has_weights = True

    @classmethod
    def from_options(cls, model: dict, options: Optional[dict]):
        """What the ``association`` of a model asks for.

        Args:
            model (dict): As in the constructor.
            options (dict, optional): The other arguments of the constructor.

        Returns:
            AttributeAssociation | None: None if they name no lexicon.

        Raises:
            ValueError: as the constructor, or if there are options of a
                lexicon, but none is named.
        """
        options = dict(options or {})
        if options.get('lexicon') is not None:
            return cls(model, **options)
        idle = set(options) - {'lexicon', *clip_of(options)}
        if idle:
            raise ValueError(
                f'association.{sorted(idle)[0]} is of no use without '
                "association.lexicon, such as 'kinetics400'"
            )
        return None

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> list[tuple[list[str], list[float]]]:
        """Associate attributes.

        Args:
            inputs (Tensor): Normalised videos [B, V, 3, T, H, W].

        Returns:
            list[tuple[list[str], list[float]]]: The phrases of each video,
            the nearest first, and their cosines with it.

        Raises:
            ValueError: if these are frame embeddings that were kept, which
                may be of another CLIP.
        """
        if inputs.ndim == 4:
            raise ValueError(
                'attributes are associated with frames, but these are kept frame '
                'embeddings: take them from an attribute file (LoadAttributes)'
            )
        recognizer = self.recognizer
        if next(recognizer.parameters()).device != inputs.device:
            recognizer.to(inputs.device)
        samples = recognizer.predict(inputs, [ActionDataSample() for _ in inputs])
        names = recognizer.cls_head.class_names
        return [nearest_phrases(s.pred_score, names, self.topk) for s in samples]
