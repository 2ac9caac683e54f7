"""The recognizer that holds BIKE's branches together."""

import logging
import warnings
from collections.abc import Sequence
from typing import Optional

import torch.nn as nn
from mmaction.models.recognizers import Recognizer3D
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from mmengine.logging import print_log

from ..checkpoint import check_fit
from ..datasets.entries import source_of
from .association import AttributeAssociation
from .clip import CLIPImageEncoder
from .finite import check_predictions

BRANCHES = ('video', 'attributes')


@MODELS.register_module()
class CLIPRecognizer(Recognizer3D):
    """BIKE: video branch and attributes branch on CLIP, section 2.

    A branch is there when its config is: ``backbone`` and ``cls_head`` are
    the video branch, ``attributes_head`` is the attributes branch. Views are
    folded into the batch by ``Recognizer3D``: the inputs are
    [B, V, 3, T, H, W], the frame embeddings [B·V, T, D], the class scores
    [B·V, K]. ``mode='tensor', stage='head'`` returns the cosine scores of the
    video branch; averaging over the views and fusion happen in ``predict``.

    Args:
        backbone (dict, optional): Config of a :class:`CLIPImageEncoder`, or
            of another backbone that keeps the frames apart.
        cls_head (dict, optional): Config of a :class:`VCSHead`.
        neck (dict, optional): Config of a :class:`TemporalTransformer`.
        attributes_head (dict, optional): Config of an
            :class:`AttributesTextHead`. Without ``text_encoder`` it uses that
            of ``cls_head``.
        fusion_weight (float): λ of Eq. 4, the video branch's share.
            Defaults to 0.7.
        train_branches (Sequence[str], optional): 'video' and 'attributes',
            or one of them; the other is frozen and costs nothing.
            Defaults to None: all that have anything to train.
        association (dict, optional): Arguments of
            :class:`AttributeAssociation`, to find attributes for videos that
            come without. Without ``lexicon`` they only say which CLIP would,
            and which generates attribute files. Defaults to None.
        optional (Sequence[str]): Prefixes of tensors, such as ``'neck.'``,
            that a checkpoint may lack, or have without being used.
            Defaults to (): a checkpoint must fit.
        **kwargs: Further arguments of ``Recognizer3D``.

    Raises:
        ValueError: if the parts do not fit together; names the options.
    """

    def __init__(
        self,
        backbone: Optional[dict] = None,
        cls_head: Optional[dict] = None,
        neck: Optional[dict] = None,
        attributes_head: Optional[dict] = None,
        fusion_weight: float = 0.7,
        train_branches: Optional[Sequence[str]] = None,
        association: Optional[dict] = None,
        optional: Sequence[str] = (),
        **kwargs,
    ) -> None:
        given = dict(backbone=backbone, cls_head=cls_head, **kwargs)
        with_video = backbone is not None
        if not with_video:
            if cls_head or neck or not attributes_head:
                raise ValueError(
                    'without `backbone` there can be no '
                    '`cls_head` and no `neck`, and there must be '
                    'an `attributes_head`'
                )
            backbone = dict(type=nn.Identity)  # the toolbox insists on one
        elif attributes_head and not cls_head:
            raise ValueError(
                'a `backbone` without `cls_head` gives the '
                '`attributes_head` nothing to fuse with'
            )
        super().__init__(backbone, cls_head=cls_head, neck=neck, **kwargs)
        self.with_video = with_video
        self.attributes_head = None
        if attributes_head is not None:
            self.attributes_head = self._build_attributes_head(attributes_head)
        if not 0 <= fusion_weight <= 1:
            raise ValueError(f'fusion_weight={fusion_weight} is not in [0, 1]')
        self.fusion_weight = fusion_weight
        self.optional = optional
        # Past nn.Module's registration: the weights are not this model's.
        self.__dict__['association'] = AttributeAssociation.from_options(
            given, association
        )
        self._loaded = self._untrained = False
        if isinstance(self.backbone, CLIPImageEncoder):
            self._check_widths()
            self._check_towers()
        self.train_branches = self._check_branches(train_branches)
        for branch in set(BRANCHES) - set(self.train_branches):
            for part in self._parts(branch):
                part.requires_grad_(False)

    def _build_attributes_head(self, config: dict) -> nn.Module:
        if config.get('text_encoder') is None:
            shared = getattr(getattr(self, 'cls_head', None), 'text_encoder', None)
            if shared is None:
                raise ValueError(
                    'attributes_head.text_encoder is missing, and there is '
                    'no cls_head whose text encoder could be used'
                )
            config = dict(config, text_encoder=shared)
        head = MODELS.build(config)
        if self.with_video:
            for name in ('num_classes', 'average_clips', 'class_names'):
                values = [getattr(h, name, None) for h in (self.cls_head, head)]
                if None not in values and values[0] != values[1]:
                    raise ValueError(
                        f'the heads must have the same {name}, for their '
                        f'scores to be fused: cls_head has {values[0]!r}, '
                        f'attributes_head has {values[1]!r}'
                    )
        return head

    def _check_branches(self, asked: Optional[Sequence[str]]) -> tuple:
        there = ['video'] if self.with_video else []
        if getattr(self.attributes_head, 'trains', False):
            there.append('attributes')
        if asked is None:
            return tuple(there)
        asked = (asked,) if isinstance(asked, str) else tuple(asked)
        if not asked or not set(asked) <= set(there):
            raise ValueError(
                f'train_branches={asked!r}; of {BRANCHES} this '
                f'model can train {tuple(there)}'
            )
        return asked

    def _parts(self, branch: str) -> list:
        names = (
            ('backbone', 'neck', 'cls_head')
            if branch == 'video'
            else ('attributes_head',)
        )
        parts = [getattr(self, name, None) for name in names]
        return [part for part in parts if part is not None]

    def _check_widths(self) -> None:
        width, given = self.backbone.embed_dims, dict()
        if self.with_neck:
            given['neck.embed_dims'] = getattr(self.neck, 'embed_dims', width)
        if self.with_cls_head:
            given['cls_head.in_channels'] = self.cls_head.in_channels
        for name, value in given.items():
            if value != width:
                raise ValueError(
                    f"{name}={value}, but the backbone's "
                    f'embeddings have {width} channels'
                )

    def _check_towers(self) -> None:
        """Two towers of different CLIPs have nothing in common."""
        text = getattr(getattr(self, 'cls_head', None), 'text_encoder', None)
        if text is None:
            return
        for name in ('arch', 'pretrained'):
            image_value = getattr(self.backbone, name)
            text_value = getattr(text, name)
            if image_value != text_value:
                warnings.warn(
                    f'backbone.{name}={image_value!r}, but '
                    f'cls_head.text_encoder.{name}={text_value!r}: embeddings '
                    'of images and of texts are comparable only if both '
                    'towers come from one CLIP'
                )

    def init_weights(self) -> None:
        """Read ``pretrained``; the runner calls it before training."""
        super().init_weights()
        self._untrained = 'attributes' in self.train_branches

    def train(self, mode: bool = True):
        """A branch that is not trained stays in evaluation mode."""
        super().train(mode)
        for branch in set(BRANCHES) - set(self.train_branches):
            for part in self._parts(branch):
                part.train(False)
        return self

    def loss(self, inputs, data_samples: SampleList, **kwargs) -> dict:
        """Losses of the branches that are trained; Eq. 9 where both are.

        Args:
            inputs (Tensor): Videos [B, V, 3, T, H, W]; not looked at if the
                video branch is not trained.
            data_samples (list[ActionDataSample]): With ``gt_label``, and
                ``attributes`` if that branch is trained.

        Returns:
            dict: ``loss_cls`` and ``top{k}_acc`` of the video branch, the
            same with ``attributes_`` before them of the attributes branch.
        """
        losses = dict()
        self._untrained = False
        if not self._loaded:
            self._warn_of_untrained_video()
        if 'video' in self.train_branches:
            self._require_video(inputs)
            losses.update(super().loss(inputs, data_samples, **kwargs))
        if 'attributes' in self.train_branches:
            found = self.attributes_head.loss(None, data_samples)
            losses.update({f'attributes_{k}': v for k, v in found.items()})
        return losses

    def predict(self, inputs, data_samples: SampleList, **kwargs) -> SampleList:
        """Scores of the branches and of both together; BIKE Eq. 4.

        Args:
            inputs (Tensor): Videos [B, V, 3, T, H, W]. Where the pipeline
                decodes none, the attributes branch answers alone.
            data_samples (list[ActionDataSample]): With ``attributes`` for
                the attributes branch. Videos whose list is empty are
                recognized by the video branch alone.

        Returns:
            list[ActionDataSample]: With ``pred_score`` [K], ``pred_label``
            and the scores [K] behind it, ``video_score`` and
            ``attributes_score``. Where both are there, ``pred_score`` is
            λ · ``video_score`` + (1 - λ) · ``attributes_score``. Attributes
            that ``association`` has found have their cosines with the video
            beside them, as ``phrase_scores``.

        Raises:
            NonFiniteError: if scores are NaN or infinite.
            ValueError: if nothing is known of a sample.
        """
        if self._untrained:
            raise RuntimeError(
                'the attributes branch is untrained: the checkpoint has no '
                'attributes_head.* tensors. Train it from there (load_from), '
                'or plug it in (attributes_head.mlp=False, '
                'train_branches=None)'
            )
        if self.association is not None:
            self.association.read_weights()  # on all ranks at once
            self._associate(inputs, data_samples)
        if self.attributes_head is None:
            self._require_video(inputs)
            samples = super().predict(inputs, data_samples, **kwargs)
            check_predictions(samples, self)
            return samples
        if self.with_video and _has_video(inputs):
            super().predict(inputs, data_samples, **kwargs)
        self.attributes_head.predict(None, data_samples)
        for sample in data_samples:
            self._fuse(sample)
        check_predictions(data_samples, self)
        return data_samples

    def _associate(self, inputs, data_samples: SampleList) -> None:
        without = [
            i for i, sample in enumerate(data_samples) if not sample.get('attributes')
        ]
        if without:
            self._require_video(inputs)
            found = self.association(inputs[without])
            for i, (attributes, cosines) in zip(without, found):
                data_samples[i].set_field(attributes, 'attributes')
                data_samples[i].set_field(cosines, 'phrase_scores')

    def _fuse(self, sample) -> None:
        # Of other heads than VCSHead, what they predict is taken.
        video = sample.get('video_score', sample.get('pred_score'))
        score = sample.get('attributes_score', video)
        if score is None:
            raise ValueError(
                f"'{source_of(sample)}' has neither attributes nor video: "
                'nothing to recognize it by'
            )
        if video is not None:
            score = self.fusion_weight * video + (1 - self.fusion_weight) * score
        sample.set_pred_score(score)
        sample.set_pred_label(score.argmax(dim=-1, keepdim=True))

    def _warn_of_untrained_video(self) -> None:
        self._loaded = True  # once is enough
        if self.with_video and 'video' not in self.train_branches:
            print_log(
                'the video branch is not trained here, and no checkpoint of '
                'it was loaded: name one in `load_from`',
                'current',
                logging.WARNING,
            )

    def _require_video(self, inputs) -> None:
        if not _has_video(inputs):
            raise ValueError(
                'the batch has no video, but is for a branch that needs it: '
                'the pipeline must decode frames, and PackActionInputs must '
                'not have collect_keys=()'
            )

    def extract_feat(self, inputs, *args, **kwargs) -> tuple:
        """As in the toolbox.

        Raises:
            ValueError: if these are images, each of which would be a view.
        """
        if inputs.ndim != 6:
            raise ValueError(
                'CLIPRecognizer takes videos [B, V, C, T, H, W], got '
                f'{tuple(inputs.shape)}: the pipeline needs '
                "FormatShape(input_format='NCTHW')"
            )
        return super().extract_feat(inputs, *args, **kwargs)

    def forward(self, inputs, data_samples=None, mode='tensor', **kwargs):
        """As in the toolbox; without video branch, 'tensor' mode returns the
        cosine scores [B, K] of the attributes."""
        if (
            mode == 'tensor'
            and not self.with_video
            and self.attributes_head is not None
        ):
            return self.attributes_head(
                [self.attributes_head.attributes_of(s) for s in data_samples]
            )
        return super().forward(inputs, data_samples, mode=mode, **kwargs)

    def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs):
        """Refuse checkpoints that do not fit, which mmengine only logs."""
        given = {
            k[len(prefix) :]: v for k, v in state_dict.items() if k.startswith(prefix)
        }
        optional = list(self.optional)
        head = 'attributes_head.'
        # The paper's second stage starts from a model of the video branch.
        self._untrained = 'attributes' in self.train_branches and not any(
            k.startswith(head) for k in given
        )
        self._loaded = True
        if self._untrained:
            optional.append(head)
        check_fit(given, self.state_dict(), type(self).__name__, optional)
        return super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _has_video(inputs) -> bool:
    return not isinstance(inputs, dict) or bool(inputs)
