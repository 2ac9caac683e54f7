"""The head of the attributes branch (BIKE section 2.2)."""

from collections.abc import Sequence
from typing import Any, Optional, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ..files import source_of
from .fusion import BranchScores
from .label_check import check_labels
from .text_head import PROMPT, TextHead

# Of the MLPs alone: text encoders have weights of their own.
MLP_INIT = dict(
    type='Normal',
    std=0.02,
    bias=0,
    override=[dict(name='query_fc'), dict(name='sentence_fc')],
)


def _mlp(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))


def _check_options(prompt: str, in_channels: Optional[int], width: int) -> None:
    if prompt.count('{}') != 1:
        raise ValueError(
            f"attributes_prompt={prompt!r} must contain '{{}}' once, for the attributes"
        )
    if in_channels not in (None, width):
        raise ValueError(
            f'in_channels={in_channels}, but the text '
            f"encoder's embeddings have {width} channels"
        )


def _build_encoder(config: Optional[dict], width: int) -> Optional[nn.Module]:
    """The encoder of attribute sentences, if it is an own one."""
    if config is None:
        return None
    encoder = MODELS.build(config)
    if encoder.embed_dims != width:
        raise ValueError(
            'attributes_encoder has embeddings of '
            f'{encoder.embed_dims} channels, text_encoder of {width}'
        )
    return encoder


@MODELS.register_module()
class AttributesTextHead(TextHead):
    """Class scores from the attributes of a video, as text alone.

    The attributes are joined to a sentence, which is compared with the class
    names (Eq. 3). Three ways to use it (Table 6e):

    - as released: a frozen text encoder, and a small MLP on either side;
    - as in the paper's text: ``mlp=False`` and an ``attributes_encoder`` that
      is not frozen, beside the frozen one of the classes;
    - plug-and-play: ``mlp=False`` alone. Nothing is trained or saved.

    Args:
        num_classes (int): Number of classes K.
        class_names (str | Sequence[str]): See :class:`TextHead`.
        text_encoder (dict | nn.Module): See :class:`TextHead`.
        attributes_encoder (dict, optional): Config of an own
            :class:`CLIPTextEncoder` for attribute sentences. Defaults to
            None: that of the classes.
        mlp (bool): Whether embeddings pass a two-layer MLP before they are
            compared, one for attributes and one for classes.
            Defaults to True.
        attributes_prompt (str): Sentence with ``{}`` for the attributes.
            Defaults to 'This is a video about {}' (section 3.3).
        separator (str): Between two attributes. Defaults to ', '.
        in_channels (int, optional): Width D of the text embeddings, known
            from the text encoder. Defaults to None.
        init_cfg (dict, optional): Defaults to None: the MLPs begin as in the
            released code, with weights from N(0, 0.02²) and biases zero.
        **kwargs: Further arguments of :class:`TextHead`.

    Raises:
        ValueError: if ``attributes_prompt`` or ``in_channels`` does not fit,
            or the two encoders have different widths.
    """

    def __init__(
        self,
        num_classes: int,
        class_names: Union[str, Sequence[str]],
        text_encoder: Union[dict, nn.Module],
        attributes_encoder: Optional[dict] = None,
        mlp: bool = True,
        attributes_prompt: str = PROMPT,
        separator: str = ', ',
        in_channels: Optional[int] = None,
        init_cfg: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        if mlp and init_cfg is None:
            init_cfg = MLP_INIT
        super().__init__(
            num_classes,
            in_channels or 0,
            class_names,
            text_encoder,
            init_cfg=init_cfg,
            **kwargs,
        )
        width = self.text_encoder.embed_dims
        _check_options(attributes_prompt, in_channels, width)
        self.attributes_prompt = attributes_prompt
        self.separator = separator
        self.in_channels = width
        self.attributes_encoder = _build_encoder(attributes_encoder, width)
        self.mlp = mlp
        if mlp:
            self.query_fc = _mlp(width)  # of the classes
            self.sentence_fc = _mlp(width)  # of the attribute sentences
        if not self.trains:
            # Nothing to save either: any video checkpoint goes with it.
            del self.logit_scale
            self.register_buffer(
                'logit_scale', torch.tensor(100.0).log(), persistent=False
            )

    @property
    def trains(self) -> bool:
        """Whether this head has anything of its own to train."""
        own = [
            module
            for name, module in self.named_children()
            if name in ('text_encoder', 'attributes_encoder')
        ]
        return self.mlp or any(not encoder.frozen for encoder in own)

    def sentences(self, attributes: Sequence[Sequence[str]]) -> list[str]:
        """The attribute sentence of each video (section 2.2)."""
        return [
            self.attributes_prompt.replace('{}', self.separator.join(phrases))
            for phrases in attributes
        ]

    def forward(self, attributes: Sequence[Sequence[str]], **kwargs) -> Tensor:
        """Class scores of each video.

        Args:
            attributes (Sequence[Sequence[str]]): Phrases of B videos, the
                nearest first. What exceeds the context length is cut.

        Returns:
            Tensor: Cosine similarities [B, K], float32.
        """
        encoder = self.attributes_encoder or self.text_encoder
        texts = self.sentences(attributes)
        sentences = encoder(texts, with_words=False, keep=False).sentence  # [B, D]
        classes = self.embed_classes(with_words=False).sentence  # [K, D]
        with torch.autocast(sentences.device.type, enabled=False):
            sentences = F.normalize(sentences.float(), dim=-1)
            if self.mlp:
                sentences = F.normalize(self.sentence_fc(sentences), dim=-1)
                classes = F.normalize(self.query_fc(classes), dim=-1)
            return sentences @ classes.t()

    def loss(self, feats, data_samples: SampleList, **kwargs) -> dict:
        """Losses and training accuracy, Eq. 8.

        Args:
            feats: Not used.
            data_samples (list[ActionDataSample]): With ``attributes`` and
                ``gt_label``. Samples whose list is empty do not count.

        Returns:
            dict: ``loss_cls`` and ``top{k}_acc``.

        Raises:
            ValueError: if a label is not in [0, K), or a sample has no
                ``attributes``.
        """
        check_labels(data_samples, self.num_classes)
        described = [s for s in data_samples if self.attributes_of(s)]
        # Other ranks may have some: take part in their gradient, with 0 rows.
        attributes = [self.attributes_of(s) for s in described] or [['']]
        cls_scores = self(attributes)[: len(described)] * self.logit_scale.exp()
        if not described:
            labels = torch.zeros(0, dtype=torch.long, device=cls_scores.device)
            return dict(loss_cls=self.loss_cls(cls_scores, labels))
        return self.loss_by_feat(cls_scores, described)

    def score(self, data_samples: SampleList) -> BranchScores:
        """Scores of the videos that have attributes.

        Args:
            data_samples (list[ActionDataSample]): B samples, with
                ``attributes``.

        Returns:
            BranchScores: ``attributes`` [B, K] and ``known`` [B]; None, if
            no video has attributes.

        Raises:
            ValueError: if a sample has no ``attributes``.
        """
        attributes = [self.attributes_of(sample) for sample in data_samples]
        if not any(attributes):
            return BranchScores()
        cosines = self([phrases for phrases in attributes if phrases])
        known = torch.tensor([bool(phrases) for phrases in attributes])
        known = known.to(cosines.device)
        scores = cosines.new_zeros(len(attributes), cosines.shape[1])
        scores[known] = cosines
        return BranchScores(attributes=scores, known=known)

    def predict(self, feats, data_samples: SampleList, **kwargs) -> SampleList:
        """As :meth:`write_scores`.

        Args:
            feats: Not used.
            data_samples (list[ActionDataSample]): With ``attributes``.

        Returns:
            list[ActionDataSample]: The same samples.

        Raises:
            ValueError: as :meth:`score` and :meth:`write_scores`.
        """
        return self.write_scores(self.score(data_samples), data_samples)

    def write_scores(
        self, scores: BranchScores, data_samples: SampleList
    ) -> SampleList:
        """Write ``attributes_score`` [K] where there are attributes.

        That is A of Eq. 4, see :meth:`TextHead.average_views`; a video has
        one attribute sentence.

        Args:
            scores (BranchScores): See :meth:`score`.
            data_samples (list[ActionDataSample]): B samples.

        Raises:
            ValueError: if a label is not in [0, K); -1, of unlabelled
                videos, is accepted.
        """
        check_labels(data_samples, self.num_classes, lowest=-1)
        if scores.attributes is not None and scores.known is not None:
            ranks = self.average_views(scores.attributes[:, None])
            for sample, rank, known in zip(data_samples, ranks, scores.known.tolist()):
                if known:
                    sample.set_field(rank, 'attributes_score')
        return data_samples

    @staticmethod
    def attributes_of(sample) -> list[str]:
        """The attributes of a sample; empty if it is known to have none.

        Raises:
            ValueError: if nobody asked for them.
        """
        if 'attributes' not in sample:
            raise ValueError(
                f"the sample of '{source_of(sample)}' has no attributes: the "
                "pipeline needs dict(type='LoadAttributes', ann_file=...) and "
                "PackActionInputs needs algorithm_keys=('attributes', )"
            )
        return sample.attributes
