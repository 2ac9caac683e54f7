"""What the heads of both branches share: classes described by text."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional, Union, cast

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.models.recognizers import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ..datasets.class_names import load_class_names
from ..datasets.prompts import load_prompts
from ..renamed import old_arguments, old_names
from .class_loss import ClassLossHead
from .clip.text_encoder import CLIPTextEncoder, TextEmbeddings
from .clip.word_positions import WORDS, fill_prompts, without_gaps, word_positions
from .fusion import confidences
from .label_check import check_label_sizes, check_label_values
from .loss import SigmoidLoss
from .sharing import Unregistered, variant

PROMPT = 'This is a video about {}'  # section 2.2


class ClassEmbeddings(NamedTuple):
    """Unit vectors that stand for K classes.

    Attributes:
        sentence (Tensor): Class embeddings [K, D].
        words (Tensor, optional): Word embeddings [K, Q, D]; first what counts.
        word_mask (Tensor, optional): Bool [K, Q], which words count;
            None: all of them.
    """

    sentence: Tensor
    words: Optional[Tensor] = None
    word_mask: Optional[Tensor] = None


class TextHead(ClassLossHead):
    """Base of the heads that compare with class names by cosine similarity.

    New class names need no training: see :meth:`set_class_names`, and
    :meth:`with_classes` for those of a single call.

    Args:
        num_classes (int): Number of classes K.
        in_channels (int): Channels of the features.
        class_names (str | Sequence[str]): Built-in list, file or names, see
            :func:`bike_mmaction.datasets.class_names.load_class_names`.
        text_encoder (dict | nn.Module): Config of a
            :class:`CLIPTextEncoder`, or one that another head owns: its
            tensors are trained and saved there.
        prompt (str | Sequence[str]): Sentence with ``{}`` for the class
            name; or several, an ensemble, see :func:`.load_prompts`: a class
            embedding is then the mean over the prompts, and the words of all
            of them give word embeddings. Defaults to 'This is a video about
            {}' (section 2.2).
        words (str): Which token positions give word embeddings: 'all',
            padding included (the released models); 'sentence', from start
            to end of the text; 'name', those of the class name itself (the
            paper's text, section 2.3). Defaults to 'all'.
        loss_cls (dict): Defaults to ``dict(type='ContrastiveLoss')``;
            :class:`SigmoidLoss` where a video may have several classes.
        average_clips (str): How views are averaged, see ``BaseHead``.
            Defaults to 'prob': softmax of the unscaled scores, then the
            mean, which is how the published figures were ranked. Always
            'score' with :class:`SigmoidLoss`.
        **kwargs: Further arguments of ``BaseHead``.

    Raises:
        ValueError: if names, prompt or ``words`` do not fit.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        class_names: Union[str, Sequence[str]],
        text_encoder: Union[dict, nn.Module],
        prompt: Union[str, Sequence[str]] = PROMPT,
        words: str = 'all',
        loss_cls: dict = dict(type='ContrastiveLoss'),  # noqa: B006
        average_clips: str = 'prob',
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_classes,
            in_channels,
            loss_cls=loss_cls,
            average_clips=average_clips,
            **kwargs,
        )
        if words not in WORDS:
            raise ValueError(f'words={words!r}; choose from {WORDS}')
        self.prompt = prompt
        self._prompts = load_prompts(prompt)
        self.words = words
        self.class_names = load_class_names(class_names)
        if len(self.class_names) != num_classes:
            source = class_names if isinstance(class_names, str) else 'the list given'
            raise ValueError(
                f"class_names: '{source}' has {len(self.class_names)} names, "
                f'but num_classes={num_classes}'
            )
        self._others_encoder = Unregistered(
            text_encoder if isinstance(text_encoder, nn.Module) else None
        )
        if self._others_encoder.module is None:
            self.add_module('text_encoder', MODELS.build(text_encoder))
        # CLIP's own initial value; `pretrained` weights bring theirs.
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        if self.bias is not None:
            self.average_clips = 'score'  # no softmax: classes do not compete

    @property
    def bias(self) -> Optional[torch.Tensor]:
        """Of classes that have probabilities of their own; else None."""
        loss = self.loss_cls
        return loss.bias if isinstance(loss, SigmoidLoss) else None

    @property
    def text_encoder(self) -> CLIPTextEncoder:
        """Its own, or that of another head."""
        encoder = self._modules.get('text_encoder') or self._others_encoder.module
        if encoder is None:  # not built yet
            raise AttributeError('text_encoder')
        return cast(CLIPTextEncoder, encoder)

    def init_weights(self) -> None:
        """Take over the logit scale, and bias, of the pretrained CLIP."""
        super().init_weights()
        scale = self.text_encoder.pretrained_logit_scale
        if scale is not None:
            self.logit_scale.data.copy_(scale.reshape(()))
        if self.bias is not None:
            known = self.text_encoder.pretrained_logit_bias
            self.loss_cls.start_bias(self.logit_scale.exp(), known)

    def set_prompt(self, prompt: Union[str, Sequence[str]]) -> None:
        """Describe the classes in another way from now on.

        Args:
            prompt (str | Sequence[str]): As in the constructor.
        """
        self.prompt, self._prompts = prompt, load_prompts(prompt)

    def set_class_names(self, class_names: Union[str, Sequence[str]]) -> None:
        """Recognize other classes from now on, without training.

        Args:
            class_names (str | Sequence[str]): As in the constructor.
        """
        self.class_names = load_class_names(class_names)
        self.num_classes = len(self.class_names)

    def with_classes(self, class_names: Sequence[str], **changes) -> 'TextHead':
        """This head for other classes, which stays as it is itself.

        Args:
            class_names (Sequence[str]): Their names.
            **changes: Other attributes to change.

        Returns:
            TextHead: It shares the weights, and the embeddings of texts.
        """
        names = load_class_names(class_names)
        return variant(self, class_names=names, num_classes=len(names), **changes)

    def prompts(self) -> list[str]:
        """The sentence of each class, for one prompt after the other."""
        return fill_prompts(self._prompts, self.class_names)

    @old_arguments(words='with_words')
    def embed_classes(self, with_words: bool) -> ClassEmbeddings:
        """Embed the class names; once, while the text encoder is frozen.

        Args:
            with_words (bool): Whether word embeddings are wanted too.

        Returns:
            ClassEmbeddings: All embeddings have unit length.
        """
        encoder, texts = self.text_encoder, tuple(self.prompts())
        if encoder.training:  # only if it is not frozen
            return self._normalize(encoder(texts, with_words))

        def embed() -> ClassEmbeddings:
            with torch.inference_mode(False), torch.no_grad():
                return self._normalize(encoder.embed(texts, with_words))

        key = (texts, len(self._prompts), with_words and self.words)
        return encoder.once(key, embed)

    def _normalize(self, embeddings: TextEmbeddings) -> ClassEmbeddings:
        sentence = F.normalize(embeddings.sentence.float(), dim=-1)
        if len(self._prompts) > 1:
            sentence = F.normalize(self._of_each_class(sentence).mean(dim=1), dim=-1)
        if embeddings.words is None:
            return ClassEmbeddings(sentence)
        words = F.normalize(embeddings.words.float(), dim=-1)  # [P·K, N, D]
        words = self._of_each_class(words).flatten(1, 2)  # [K, P·N, D]
        if self.words == 'all':
            return ClassEmbeddings(sentence, words)
        tokens = self.text_encoder.tokens
        mask = word_positions(tokens, self._prompts, self.class_names, self.words)
        mask = self._of_each_class(mask).flatten(1)  # [K, P·N]
        return ClassEmbeddings(sentence, *without_gaps(words, mask))

    def _of_each_class(self, x: Tensor) -> Tensor:
        """[P·K, ...] to [K, P, ...], for P prompts."""
        return x.unflatten(0, (len(self._prompts), -1)).transpose(0, 1)

    def average_views(self, cosines: Tensor) -> Tensor:
        """What this branch ranks classes by: V or A of Eq. 4.

        By default (``average_clips='prob'``) the softmax of each view's
        cosines, which nothing scales, then the mean over the views. In
        double precision: with many classes, all values are close to 1/K.

        Args:
            cosines (Tensor): Class scores [B, V, K].

        Returns:
            Tensor: [B, K].
        """
        return self.average_clip(cosines.double().flatten(0, 1), cosines.shape[1])

    def confidences(self, ranks: Tensor) -> Tensor:
        """Calibrated, in the order of what videos are ranked by.

        Of one view that is softmax(logit_scale · cosine), or with
        :class:`SigmoidLoss` sigmoid(logit_scale · cosine + bias), as CLIP and
        the loss see it.

        Args:
            ranks (Tensor): [B, K], see :meth:`average_views`, or fused.

        Returns:
            Tensor: [B, K]; they sum to 1, but for :class:`SigmoidLoss`.
        """
        cosines = ranks if self.average_clips == 'score' else ranks.log()
        return confidences(cosines, self.logit_scale.exp(), self.bias)

    def predict_by_feat(
        self, cls_scores: Tensor, data_samples: SampleList
    ) -> SampleList:
        """Average the views and write ``pred_score`` and ``pred_label``.

        Raises:
            ValueError: if a sample has a label that is not in [0, K); -1,
                MMAction2's label of unlabelled videos, is accepted.
        """
        single = check_label_sizes(data_samples, self.num_classes)
        samples = super().predict_by_feat(cls_scores, data_samples)
        # Last, since the host then waits for the GPU to have done all that.
        check_label_values(single, self.num_classes, lowest=-1)
        return samples


def with_classes(
    recognizer: BaseRecognizer, class_names: Sequence[str], **changes
) -> BaseRecognizer:
    """A recognizer for other classes, which stays as it is itself.

    Args:
        recognizer (BaseRecognizer): With a :class:`TextHead` for its
            ``cls_head``; its ``attributes_head`` follows, if it is one too.
        class_names (Sequence[str]): As of :meth:`TextHead.with_classes`.
        **changes: Other attributes of the ``cls_head`` to change.

    Returns:
        BaseRecognizer: It shares the weights, and the embeddings of texts.
    """
    heads = dict(cls_head=recognizer.cls_head.with_classes(class_names, **changes))
    attributes_head = getattr(recognizer, 'attributes_head', None)
    if isinstance(attributes_head, TextHead):
        heads['attributes_head'] = attributes_head.with_classes(class_names)
    return variant(recognizer, **heads)


__getattr__ = old_names(__name__)
