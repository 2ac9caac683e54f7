"""What the heads of both branches share: classes described by text."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Optional, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.models.heads import BaseHead
from mmaction.models.recognizers import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from mmengine.model import is_model_wrapper
from open_clip import SimpleTokenizer
from torch import Tensor

from ..datasets.class_names import load_class_names
from ..datasets.entries import source_of
from ..datasets.prompts import load_prompts
from .clip import CLIPTextEncoder, TextEmbeddings
from .sharing import variant

WORDS = ('all', 'sentence', 'name')
PROMPT = 'This is a video about {}'  # section 2.2


class ClassEmbeddings(NamedTuple):
    """Unit vectors that stand for K classes.

    Attributes:
        sentence (Tensor): Class embeddings [K, D].
        words (Tensor, optional): Word embeddings [K, N, D].
        word_mask (Tensor, optional): Bool [K, N], which words count;
            None: all of them.
    """

    sentence: Tensor
    words: Optional[Tensor] = None
    word_mask: Optional[Tensor] = None


class TextHead(BaseHead):
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
        loss_cls (dict): Defaults to ``dict(type='ContrastiveLoss')``.
        average_clips (str): How views are averaged, see ``BaseHead``.
            Defaults to 'prob': softmax of the unscaled scores, then the
            mean, which is how the published figures were ranked.
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
        **kwargs,
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
        self.text_encoder: CLIPTextEncoder
        if isinstance(text_encoder, nn.Module):
            # Past nn.Module's registration, which would save it twice.
            self.__dict__['text_encoder'] = text_encoder
        else:
            self.text_encoder = MODELS.build(text_encoder)
        self._embedded = (None, None)
        # CLIP's own initial value; `pretrained` weights bring theirs.
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def init_weights(self) -> None:
        """Take over the logit scale of the pretrained CLIP."""
        super().init_weights()
        scale = self.text_encoder.pretrained_logit_scale
        if scale is not None:
            self.logit_scale.data.copy_(scale.reshape(()))

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
        return [
            prompt.replace('{}', name)
            for prompt in self._prompts
            for name in self.class_names
        ]

    def embed_classes(self, words: bool) -> ClassEmbeddings:
        """Embed the class names; once, while the text encoder is frozen.

        Args:
            words (bool): Whether word embeddings are wanted too.

        Returns:
            ClassEmbeddings: All embeddings have unit length.
        """
        encoder, texts = self.text_encoder, tuple(self.prompts())
        if encoder.training:  # only if it is not frozen
            return self._normalize(encoder(texts, words))

        def embed():
            with torch.inference_mode(False), torch.no_grad():
                return self._normalize(encoder.embed(texts, words))

        key = (texts, len(self._prompts), words and self.words)
        # Kept here too: other heads may use up the encoder's memory.
        if self._embedded[0] != (encoder.memory, key):
            self._embedded = ((encoder.memory, key), encoder.once(key, embed))
        return self._embedded[1]

    def _normalize(self, found: TextEmbeddings) -> ClassEmbeddings:
        sentence = F.normalize(found.sentence.float(), dim=-1)
        if len(self._prompts) > 1:
            sentence = F.normalize(self._of_each_class(sentence).mean(dim=1), dim=-1)
        if found.words is None:
            return ClassEmbeddings(sentence)
        words = F.normalize(found.words.float(), dim=-1)  # [P·K, N, D]
        mask = (
            None
            if self.words == 'all'
            else self._of_each_class(self._word_mask().to(words.device)).flatten(1)
        )
        return ClassEmbeddings(sentence, self._of_each_class(words).flatten(1, 2), mask)

    def _of_each_class(self, x: Tensor) -> Tensor:
        """[P·K, ...] to [K, P, ...], for P prompts."""
        return x.unflatten(0, (len(self._prompts), -1)).transpose(0, 1)

    def _word_mask(self) -> Tensor:
        """Bool [P·K, N]: which token positions count, by ``self.words``."""
        encoder = self.text_encoder
        if not isinstance(encoder.tokenizer, SimpleTokenizer):
            raise ValueError(
                f"words='{self.words}' needs CLIP's own tokenizer, but this "
                f'arch has a {type(encoder.tokenizer).__name__}; use '
                "words='all'"
            )
        tokens = encoder.tokenize(self.prompts())
        positions = torch.arange(tokens.shape[1])
        # Of CLIP's tokens the end of the text has the largest id.
        end = tokens.argmax(dim=1, keepdim=True)
        if self.words == 'sentence':
            return positions <= end
        parts = [prompt.split('{}') for prompt in self._prompts]
        before, after = (
            torch.tensor([encoder.count_tokens(part) for part in column])[
                :, None
            ].repeat_interleave(len(self.class_names), dim=0)
            for column in zip(*parts)
        )  # [P·K, 1]
        first, last = 1 + before, end - after
        if int(first.max()) >= tokens.shape[1]:
            raise ValueError(
                f"words='name' of prompt={self.prompt!r}: its "
                f'{int(before.max())} tokens before the class name leave no '
                f'room in the context of {tokens.shape[1]}'
            )
        return (positions >= first) & (positions < torch.maximum(last, first + 1))

    def loss(self, feats, data_samples: SampleList, **kwargs) -> dict:
        """Losses and training accuracy.

        Args:
            feats (Tensor): Features of the upstream network.
            data_samples (list[ActionDataSample]): With ``gt_label``.

        Returns:
            dict: ``loss_cls`` and ``top{k}_acc``.

        Raises:
            ValueError: if a label is not in [0, K).
        """
        self._check_labels(data_samples)
        cls_scores = self(feats, **kwargs) * self.logit_scale.exp()
        return self.loss_by_feat(cls_scores, data_samples)

    def predict(self, feats, data_samples: SampleList, **kwargs) -> SampleList:
        """Average the views and write ``pred_score`` and ``pred_label``.

        Raises:
            ValueError: if a sample has a label that is not in [0, K); -1,
                the toolbox's label of unlabelled videos, is accepted.
        """
        self._check_labels(data_samples, lowest=-1)
        return super().predict(feats, data_samples, **kwargs)

    def _check_labels(self, data_samples: SampleList, lowest: int = 0) -> None:
        # Of another length they are one-hot, for several labels.
        for sample in data_samples:
            if 'gt_label' in sample and sample.gt_label.numel() not in (
                1,
                self.num_classes,
            ):
                raise ValueError(
                    f"the labels of '{source_of(sample)}' are of "
                    f'{sample.gt_label.numel()} classes, but the model knows '
                    f'{self.num_classes}: set num_classes of the data set'
                )
        single = [
            sample
            for sample in data_samples
            if 'gt_label' in sample and sample.gt_label.numel() == 1
        ]
        if not single:
            return
        labels = torch.cat([sample.gt_label for sample in single]).tolist()
        for sample, label in zip(single, labels):
            if lowest <= label < self.num_classes:
                continue
            source = source_of(sample)
            problem = 'means that it has none' if label == -1 else 'is out of range'
            raise ValueError(
                f"label {label} of '{source}' {problem}: the model knows "
                f'{self.num_classes} classes, so labels are 0 to '
                f'{self.num_classes - 1}'
            )


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


def number_of_classes(model: nn.Module) -> Optional[int]:
    """K of a recognizer's heads; None if it has none that tells.

    Args:
        model (nn.Module): Of this project or the toolbox, maybe wrapped.
    """
    if is_model_wrapper(model):
        model = model.module
    for name in ('cls_head', 'attributes_head'):
        found = getattr(getattr(model, name, None), 'num_classes', None)
        if found is not None:
            return found
    return None
