"""The recognizer that holds BIKE's branches together."""

from collections.abc import Sequence
from typing import Any, Optional

import torch.nn as nn
from mmaction.models.recognizers import Recognizer3D
from mmaction.registry import MODELS
from mmaction.utils import SampleList

from ..checkpoint import check_fit
from ..renamed import old_names
from .association import AttributeAssociation
from .branches import (
    BranchWeights,
    check_inputs,
    check_parts,
    check_same_classes,
    check_widths,
    choose_branches,
    has_video,
    require_attributes,
    require_video,
    warn_of_two_clips,
)
from .clip.image_encoder import CLIPImageEncoder
from .clip.weights import read_once
from .data_preprocessor import keep_samples, without_waiting
from .finite import check_predictions
from .fusion import RELEASED_WEIGHT, BranchScores
from .loading import before_loading, tensors_of
from .scores import rank, score_video
from .sharing import Unregistered
from .vcs_head import VCSHead


@MODELS.register_module()
class CLIPRecognizer(Recognizer3D):
    """BIKE: video branch and attributes branch on CLIP, section 2.

    The model has a branch if its config is given: ``backbone`` and ``cls_head`` are
    the video branch, ``attributes_head`` is the attributes branch. Views are
    folded into the batch by ``Recognizer3D``: the inputs are
    [B, V, 3, T, H, W], the frame embeddings [B·V, T, D], the class scores
    [B·V, K]. Kept frame embeddings of a frozen backbone, [B, V, T, D], may
    take the place of the inputs. ``mode='tensor', stage='head'`` returns the
    cosine scores of the video branch; averaging over the views and fusion
    happen in ``predict``.

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
        fusion_weight: float = RELEASED_WEIGHT,
        train_branches: Optional[Sequence[str]] = None,
        association: Optional[dict] = None,
        optional: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        check_parts(backbone, cls_head, neck, attributes_head)
        if not 0 <= fusion_weight <= 1:
            raise ValueError(f'fusion_weight={fusion_weight} is not in [0, 1]')
        model = dict(backbone=backbone, cls_head=cls_head, **kwargs)
        no_video = dict(type=nn.Identity)  # MMAction2 insists on a backbone
        frames = no_video if backbone is None else backbone
        kwargs['data_preprocessor'] = without_waiting(kwargs.get('data_preprocessor'))
        super().__init__(frames, cls_head=cls_head, neck=neck, **kwargs)
        self.with_video = backbone is not None
        self.attributes_head: Any = self._build_attributes_head(attributes_head)
        keep_samples(self)
        self.fusion_weight, self.optional = fusion_weight, optional
        # Its CLIP is the original one, and is not saved with this model.
        self._association = Unregistered(
            AttributeAssociation.from_options(model, association)
        )
        self._check_clip()
        trainable = ['video'] if self.with_video else []
        if getattr(self.attributes_head, 'trains', False):
            trainable.append('attributes')
        self.train_branches = choose_branches(train_branches, trainable)
        for part in self._untrained_parts():
            part.requires_grad_(False)
        self._weights = BranchWeights(self.train_branches, self.with_video)
        before_loading(self, _check_checkpoint)

    @property
    def association(self) -> Optional[AttributeAssociation]:
        """Finds attributes for videos that come without; None if nothing does."""
        return self._association.module

    @association.setter
    def association(self, association: None) -> None:
        self._association = Unregistered(association)

    def _build_attributes_head(self, config: Optional[dict]) -> Any:
        if config is None:
            return None
        cls_head = getattr(self, 'cls_head', None)
        if config.get('text_encoder') is None:
            shared = getattr(cls_head, 'text_encoder', None)
            if shared is None:
                raise ValueError(
                    'attributes_head.text_encoder is missing, and there is '
                    'no cls_head whose text encoder could be used'
                )
            config = dict(config, text_encoder=shared)
        head = MODELS.build(config)
        if self.with_video:
            check_same_classes(cls_head, head)
        return head

    def _check_clip(self) -> None:
        if not isinstance(self.backbone, CLIPImageEncoder):
            return
        cls_head = getattr(self, 'cls_head', None)
        check_widths(self.backbone, getattr(self, 'neck', None), cls_head)
        text_encoder = getattr(cls_head, 'text_encoder', None)
        if text_encoder is not None:
            warn_of_two_clips(self.backbone, text_encoder)

    def _untrained_parts(self) -> list[nn.Module]:
        """The modules of the branches that are not trained."""
        names = dict(video=['backbone', 'neck', 'cls_head'])
        names['attributes'] = ['attributes_head']
        untrained = [n for b in names if b not in self.train_branches for n in names[b]]
        parts = [getattr(self, name, None) for name in untrained]
        return [part for part in parts if part is not None]

    def init_weights(self) -> None:
        """Read ``pretrained``; the runner calls it before training."""
        with read_once():
            super().init_weights()
        self._weights.initialized()

    def train(self, mode: bool = True):
        """A branch that is not trained stays in evaluation mode."""
        super().train(mode)
        for part in self._untrained_parts():
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
        self._weights.trained()
        if 'video' in self.train_branches:
            require_video(inputs)
            losses.update(super().loss(inputs, data_samples, **kwargs))
        if 'attributes' in self.train_branches:
            others = self.attributes_head.loss(None, data_samples)
            losses.update({f'attributes_{k}': v for k, v in others.items()})
        return losses

    def score(self, inputs, data_samples: SampleList) -> BranchScores:
        """The one way to the scores of the branches.

        Args:
            inputs (Tensor): Videos [B, V, 3, T, H, W], normalised. Where the
                pipeline decodes none, the attributes branch answers alone.
            data_samples (list[ActionDataSample]): With ``attributes`` for
                the attributes branch; those that ``association`` finds are
                written to them, with their cosines as ``phrase_scores``.

        Returns:
            BranchScores: Of the branches that have what they need.

        Raises:
            RuntimeError: if the attributes branch is untrained.
            ValueError: if nothing is known of a sample.
        """
        self._weights.check()
        if self.association is not None:
            self.association.read_weights()  # on all ranks at once
            self._associate(inputs, data_samples)
        scores = BranchScores()
        if self.attributes_head is None:
            require_video(inputs)
        if self.with_video and has_video(inputs):
            scores = score_video(self, inputs, data_samples, test_mode=True)
        if self.attributes_head is not None:
            others = self.attributes_head.score(data_samples)
            scores = scores._replace(attributes=others.attributes, known=others.known)
        if scores.video is None:
            require_attributes(scores, data_samples)
        return scores

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
            ``attributes_score``. Where it has both, ``pred_score`` is
            λ · ``video_score`` + (1 - λ) · ``attributes_score``. Attributes
            of ``association`` have their cosines with the video beside
            them, as ``phrase_scores``.

        Raises:
            NonFiniteError: if scores are NaN or infinite.
            ValueError: if nothing is known of a sample.
        """
        scores = self.score(inputs, data_samples)
        are_finite = scores.are_finite()
        if scores.video is not None and isinstance(self.cls_head, VCSHead):
            self.cls_head.write_scores(scores, data_samples)
        if self.attributes_head is not None:
            self.attributes_head.write_scores(scores, data_samples)
            for sample, ranks in zip(data_samples, rank(self, scores)):
                sample.set_pred_score(ranks)
                sample.set_pred_label(ranks.argmax(dim=-1, keepdim=True))
        if not are_finite:  # only now, as the host waits for the GPU to know
            check_predictions(data_samples, self)
        return data_samples

    def _associate(self, inputs, data_samples: SampleList) -> None:
        without = [i for i, x in enumerate(data_samples) if not x.get('attributes')]
        if without:
            require_video(inputs)
            assert self.association is not None
            associated = self.association(inputs[without])
            for i, (phrases, cosines) in zip(without, associated):
                data_samples[i].set_field(phrases, 'attributes')
                data_samples[i].set_field(cosines, 'phrase_scores')

    def extract_feat(self, inputs, *args, **kwargs) -> tuple:
        """As in MMAction2; inputs may be frame embeddings [B, V, T, D], too."""
        check_inputs(inputs, isinstance(self.backbone, CLIPImageEncoder))
        return super().extract_feat(inputs, *args, **kwargs)

    def forward(self, inputs, data_samples=None, mode='tensor', **kwargs):
        """As in MMAction2; 'tensor' without video gives the attributes' cosines."""
        if mode == 'tensor' and not self.with_video:
            return self.attributes_head(
                [self.attributes_head.attributes_of(s) for s in data_samples]
            )
        return super().forward(inputs, data_samples, mode=mode, **kwargs)


def _check_checkpoint(recognizer: CLIPRecognizer, state_dict, prefix, *args) -> None:
    """Refuse checkpoints that do not fit, which mmengine only logs."""
    start = len(prefix)
    tensors = {n[start:]: x for n, x in state_dict.items() if n.startswith(prefix)}
    head, optional = 'attributes_head.', list(recognizer.optional)
    if getattr(getattr(recognizer, 'cls_head', None), 'bias', None) is not None:
        optional.append('cls_head.loss_cls.')  # set by the first batch
    with_attributes = any(name.startswith(head) for name in tensors)
    if not with_attributes and recognizer._weights.may_lack_attributes:
        optional.append(head)
    check_fit(tensors, tensors_of(recognizer), type(recognizer).__name__, optional)
    recognizer._weights.loaded(with_attributes)


__getattr__ = old_names(__name__)
