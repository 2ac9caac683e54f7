"""The two towers of any CLIP that open_clip knows.

``arch`` is a model name of open_clip or a dict in the layout of its
model-config files. Weights are read by ``init_weights()`` only, so that
building a model or testing a checkpoint downloads nothing.
"""

import logging
from collections.abc import Hashable, Sequence
from typing import Any, Callable, NamedTuple, Optional

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.model import BaseModule
from open_clip.transformer import TextTransformer
from torch import Tensor
from tqdm import tqdm

from .pretrained import (
    Arch,
    arch_name,
    build_image_tower,
    build_text_tower,
    get_arch,
    load_pretrained,
)
from .sharing import Recent, variant
from .tokens import build_tokenizer, count_tokens, describe_cut, find_cut


class _CLIPTower(BaseModule):
    """What both encoders share: freezing and reading their own weights."""

    def __init__(
        self,
        arch: Arch,
        pretrained: Optional[str],
        frozen: bool,
        init_cfg: Optional[dict],
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.arch = arch
        self.pretrained = pretrained
        self.frozen = frozen
        self.config = get_arch(arch)

    def _freeze(self) -> None:
        if self.frozen:
            self.requires_grad_(False)
            self.eval()

    def train(self, mode: bool = True):
        """A frozen tower stays in evaluation mode."""
        return super().train(mode and not self.frozen)


@MODELS.register_module()
class CLIPImageEncoder(_CLIPTower):
    """CLIP's visual tower, applied to each frame by itself.

    Args:
        arch (str | dict): An open_clip model name or model-config dict.
        pretrained (str, optional): An open_clip tag or a local file, see
            :func:`.load_pretrained`. Defaults to None: random weights.
        frozen (bool): Whether to leave the weights as they are.
            Defaults to False.
        as_feature_map (bool): Whether to return embeddings with further
            dimensions of length 1, as the toolbox's own heads expect.
            Defaults to False.
        with_cp (bool): Whether to trade time for memory by recomputing
            activations (gradient checkpointing). Defaults to False.
        init_cfg (dict, optional): Initialization config of ``BaseModule``.
    """

    def __init__(
        self,
        arch: Arch,
        pretrained: Optional[str] = None,
        frozen: bool = False,
        with_cp: bool = False,
        as_feature_map: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(arch, pretrained, frozen, init_cfg)
        self.as_feature_map = as_feature_map
        self.visual = build_image_tower(arch)
        self.embed_dims = self.config['embed_dim']
        if with_cp:
            self.visual.set_grad_checkpointing(True)
        self._freeze()

    def init_weights(self) -> None:
        """Read ``pretrained``, if it is given."""
        super().init_weights()
        if self.pretrained is not None:
            source = load_pretrained(self.arch, self.pretrained)
            self.visual.load_state_dict(source.visual.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        """Embed images or the frames of clips.

        Args:
            x (Tensor): [N, 3, T, H, W] or [N, 3, H, W], normalised.

        Returns:
            Tensor: Frame embeddings [N, T, D], or [N, D]; not normalised.
            With ``as_feature_map`` [N, D, T, 1, 1], or [N, D, 1, 1].

        Raises:
            ValueError: if the images are not of the tower's size.
        """
        size = self._image_size()
        if tuple(x.shape[-2:]) != size:
            raise ValueError(
                f'arch={arch_name(self.arch)} takes images of '
                f'{size[0]}x{size[1]} pixels (height x width), got '
                f'{x.shape[-2]}x{x.shape[-1]}; '
                "change the pipeline's crop size"
            )
        if x.ndim == 4:
            out = self._encode(x)
            return out[..., None, None] if self.as_feature_map else out
        n, _, t = x.shape[:3]
        frames = x.transpose(1, 2).flatten(0, 1)  # [N·T, 3, H, W]
        out = self._encode(frames).unflatten(0, (n, t))  # [N, T, D]
        return out.transpose(1, 2)[..., None, None] if self.as_feature_map else out

    def _encode(self, images: Tensor) -> Tensor:
        out = self.visual(images)
        return out[0] if isinstance(out, tuple) else out  # CoCa adds tokens

    def _image_size(self) -> tuple[int, int]:
        size = self.visual.image_size
        return (size, size) if isinstance(size, int) else tuple(size)


class TextEmbeddings(NamedTuple):
    """What :class:`CLIPTextEncoder` makes of K texts; not normalised.

    Attributes:
        sentence (Tensor): At the end-of-text token, [K, D].
        words (Tensor, optional): At each of the N token positions,
            [K, N, D].
    """

    sentence: Tensor
    words: Optional[Tensor]


@MODELS.register_module()
class CLIPTextEncoder(_CLIPTower):
    """CLIP's text tower with its tokenizer.

    Embeddings are kept while the weights stay the same, so a frozen encoder
    costs nothing per step, and heads that share one share them too.

    Args:
        arch (str | dict): An open_clip model name or model-config dict.
        pretrained (str, optional): An open_clip tag or a local file, see
            :func:`.load_pretrained`. Defaults to None: random weights.
        frozen (bool): Whether to leave the weights as they are.
            Defaults to True, as the paper's best models (Table 6a).
        with_cp (bool): Whether to trade time for memory by recomputing
            activations, where it trains. Defaults to False.
        init_cfg (dict, optional): Initialization config of ``BaseModule``.
    """

    max_cached = 8  # sets of texts: several heads, several data sets
    max_batch = 512  # texts at a time, where no gradient is needed

    def __init__(
        self,
        arch: Arch,
        pretrained: Optional[str] = None,
        frozen: bool = True,
        with_cp: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(arch, pretrained, frozen, init_cfg)
        self.text = build_text_tower(arch)
        self.embed_dims = self.config['embed_dim']
        if with_cp:
            self.text.set_grad_checkpointing(True)
        self.pretrained_logit_scale: Optional[Tensor] = None
        self._tokenizer = None
        self._tokens = Recent(self.max_cached)
        self._told = set()  # which sets of texts are too long
        self.memory = Recent(self.max_cached)
        self._freeze()

    @property
    def tokenizer(self):
        """open_clip's tokenizer of this architecture."""
        if self._tokenizer is None:
            self._tokenizer = build_tokenizer(self.arch, self.config)
        return self._tokenizer

    def init_weights(self) -> None:
        """Read ``pretrained``, if it is given."""
        super().init_weights()
        if self.pretrained is not None:
            source = load_pretrained(self.arch, self.pretrained)
            self.text.load_state_dict(source.text.state_dict())
            self.pretrained_logit_scale = source.logit_scale.detach()
        self.clear_cache()

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Token ids [K, N], padded to the context length.

        Of a longer text the end is cut; the end-of-text token stays.
        """
        return self.tokenizer(list(texts))

    def count_tokens(self, text: str) -> int:
        """Number of CLIP's tokens of a text, without start and end."""
        return count_tokens(self.tokenizer, text)

    def forward(
        self, texts: Sequence[str], words: bool, keep: bool = True
    ) -> TextEmbeddings:
        """Embed texts, from the cache where the weights are unchanged.

        Warns of texts that are longer than the context: once for each set
        that is kept, once for all others together.

        Args:
            texts (Sequence[str]): K texts.
            words (bool): Whether the words are wanted too.
            keep (bool): Whether the same texts will come again, as class
                names do. Defaults to True.

        Returns:
            TextEmbeddings: ``sentence`` [K, D], ``words`` [K, N, D] or None.
        """
        if self.training:  # in training mode only if it is not frozen
            return self._embed(self._tokenize(texts, keep), words)
        if not keep:
            return self.embed(texts, words, keep)
        return self.once((tuple(texts), words), lambda: self.embed(texts, words))

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Make something of the weights once, while they stay the same.

        Args:
            key (Hashable): What it is made of, beside the weights.
            make (callable): Makes it.
        """
        return self.memory.get(key, make)

    def clear_cache(self) -> None:
        """Forget every embedding, because the weights have changed."""
        # What is being made of the old weights goes to the old one.
        self.memory = Recent(self.max_cached)

    def _tokenize(self, texts: Sequence[str], keep: bool) -> Tensor:
        if keep:
            key = tuple(texts)
            return self._tokens.get(
                key, lambda: self._tokenize_and_tell(texts, hash(key))
            )
        if None not in self._told:
            return self._tokenize_and_tell(texts, None)
        return self.tokenize(texts)

    def _tokenize_and_tell(self, texts: Sequence[str], name: Optional[int]) -> Tensor:
        """Of each set of texts by its ``name``; of all without one once."""
        tokens = self.tokenize(texts)
        cut = find_cut(self.tokenizer, texts, tokens)
        if cut and name not in self._told:
            self._told.add(name)
            text = describe_cut(cut, len(texts), self.arch, tokens.shape[1])
            if name is None:
                text += '. Others that follow are not told'
            print_log(text, 'current', logging.WARNING)
        return tokens

    def embed(
        self, texts: Sequence[str], words: bool, keep: bool = True
    ) -> TextEmbeddings:
        """As :meth:`forward`, in any case anew and without gradient.

        In full precision, a part at a time, fit for a later backward.
        """
        device = next(self.parameters()).device
        parts = self._tokenize(texts, keep).split(self.max_batch)
        few = len(parts) < 20 or not is_main_process()
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),
        ):
            found = [
                self._embed(part, words)
                for part in tqdm(parts, 'Embedding texts', disable=few)
            ]
        if len(found) == 1:
            return found[0]
        sentence = torch.cat([part.sentence for part in found])
        return TextEmbeddings(
            sentence, torch.cat([part.words for part in found]) if words else None
        )

    def _embed(self, tokens: Tensor, words: bool) -> TextEmbeddings:
        tokens = tokens.to(next(self.parameters()).device)
        if not words:
            used = self._used_length(tokens)
            text = self.text
            if used < tokens.shape[1]:
                # It applies its causal mask unsliced.
                text = variant(text, attn_mask=text.attn_mask[:used, :used])
            out = text(tokens[:, :used])
            return TextEmbeddings(out[0] if isinstance(out, tuple) else out, None)
        if not hasattr(self.text, 'forward_intermediates'):
            raise ValueError(
                f'the text tower of arch={arch_name(self.arch)} gives no word '
                "embeddings; use saliency_source='class' or "
                "aggregation='mean'"
            )
        out = self.text.forward_intermediates(
            tokens, indices=1, normalize_intermediates=True, output_fmt='NLC'
        )
        last = out['text_intermediates'][-1]  # [K, N, text width]
        projection = self.text.text_projection
        if isinstance(projection, nn.Linear):
            last = projection(last)
        elif projection is not None:
            last = last @ projection
        return TextEmbeddings(out['text_features'], last)

    def _used_length(self, tokens: Tensor) -> int:
        """Positions that the embeddings of these texts depend on.

        A causal tower looks back only: what follows the last end-of-text
        token of the batch can be left out.
        """
        text = self.text
        causal = (
            isinstance(text, TextTransformer)
            and text.attn_mask is not None
            and text.pool_type == 'argmax'
            and text.cls_emb is None
        )
        if not causal or not len(tokens):
            return tokens.shape[1]
        return int(tokens.argmax(dim=1).max()) + 1

    def train(self, mode: bool = True):
        """An encoder that trains has nothing to keep."""
        if not self.frozen:
            self.clear_cache()
        return super().train(mode)

    def _load_from_state_dict(self, *args, **kwargs):
        self.clear_cache()
        return super()._load_from_state_dict(*args, **kwargs)

    def _apply(self, *args, **kwargs):
        self.clear_cache()  # another device or precision
        return super()._apply(*args, **kwargs)
