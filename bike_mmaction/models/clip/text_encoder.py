"""The text tower of any CLIP that open_clip knows, with its tokenizer."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Callable, NamedTuple, Optional

import torch
from mmaction.registry import MODELS
from mmengine.dist import is_main_process
from torch import Tensor
from tqdm import tqdm

from ...renamed import old_arguments
from ..sharing import Recent
from ..transfer import HOST, copy_to
from .architectures import Arch, arch_name, build_text_tower
from .lora import load_tower
from .tokens import TextTokens
from .tower import CLIPTower
from .weights import load_pretrained
from .words import NoWordsError, embed_sentences, embed_words


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
class CLIPTextEncoder(CLIPTower):
    """CLIP's text tower with its tokenizer.

    Embeddings are kept while the weights stay the same, so a frozen encoder
    costs nothing per step, and heads that share one share them too. What is
    kept is forgotten when weights are loaded, and while the encoder trains.

    Args:
        arch (str | dict): An open_clip model name or model-config dict.
        pretrained (str, optional): An open_clip tag or a local file, see
            :func:`.load_pretrained`. Defaults to None: random weights.
        frozen (bool): Whether to leave the weights as they are.
            Defaults to True, as the paper's best models (Table 6a).
        with_cp (bool): Whether to trade time for memory by recomputing
            activations, where it trains. Defaults to False.
        init_cfg (dict, optional): Initialization config of ``BaseModule``.
        lora (dict, optional): Arguments of :func:`.add_lora`, such as ``dict(rank=8)``:
            only adapters are trained. Defaults to None: the weights themselves.
        offload (bool): Whether the weights of a frozen tower leave the GPU for the
            host's memory once class names are embedded. They come back where
            other texts need them. Defaults to False.

    Raises:
        ValueError: if weights that are trained are to leave.
    """

    max_cached = 8  # sets of texts: several heads, several data sets
    max_batch = 512  # texts at a time, where no gradient is needed
    is_sharded = False  # between processes, see models/sharding.py

    text: Any  # open_clip's, of one of several classes

    def __init__(
        self,
        arch: Arch,
        pretrained: Optional[str] = None,
        frozen: bool = True,
        with_cp: bool = False,
        init_cfg: Optional[dict] = None,
        lora: Optional[dict] = None,
        offload: bool = False,
    ) -> None:
        super().__init__(arch, pretrained, frozen, init_cfg, lora)
        if offload and not frozen:
            raise ValueError('offload=True is for a frozen text tower: set frozen=True')
        self.offload = offload
        self._home: Optional[torch.device] = None  # of a tower that has left
        self.text = build_text_tower(arch)
        self.embed_dims = self.config['embed_dim']
        if with_cp:
            self.text.set_grad_checkpointing(True)
        self.pretrained_logit_scale: Optional[Tensor] = None
        self.pretrained_logit_bias: Optional[Tensor] = None
        self.tokens = TextTokens(arch, self.config, self.max_cached)
        self.memory = Recent(self.max_cached)
        self.register_load_state_dict_post_hook(_forget)
        self._choose_trained(self.text, lora)

    @property
    def tokenizer(self):
        """open_clip's tokenizer of this architecture."""
        return self.tokens.tokenizer

    def init_weights(self) -> None:
        """Read ``pretrained``, if it is given."""
        super().init_weights()
        if self.pretrained is not None:
            source = load_pretrained(self.arch, self.pretrained)
            load_tower(self.text, source.text.state_dict())
            self.pretrained_logit_scale = source.logit_scale.detach()
            bias = source.logit_bias
            self.pretrained_logit_bias = None if bias is None else bias.detach()
        self.clear_cache()

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Token ids [K, N], padded to the context length.

        Of a longer text the end is cut; the end-of-text token stays.
        """
        return self.tokens.tokenize(texts)

    def count_tokens(self, text: str) -> int:
        """Number of CLIP's tokens of a text, without start and end."""
        return self.tokens.count(text)

    @old_arguments(words='with_words')
    def forward(
        self, texts: Sequence[str], with_words: bool, keep: bool = True
    ) -> TextEmbeddings:
        """Embed texts; those whose embeddings are kept are not embedded again.

        Warns of texts that are longer than the context: once for each set
        that is kept, once for all others together.

        Args:
            texts (Sequence[str]): K texts.
            with_words (bool): Whether the words are wanted too.
            keep (bool): Whether the same texts will come again, as class
                names do. Defaults to True.

        Returns:
            TextEmbeddings: ``sentence`` [K, D], ``words`` [K, N, D] or None.
        """
        if self.training:  # in training mode only if it is not frozen
            return self._embed_tokens(self.tokens(texts, keep), with_words)
        if not keep:
            return self.embed(texts, with_words, keep)
        return self.once(
            (tuple(texts), with_words), lambda: self.embed(texts, with_words)
        )

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Make something of the weights once, while they stay the same.

        Args:
            key (Hashable): What it is made of, beside the weights.
            make (callable): Makes it.
        """
        if self.offload:
            plain, make = make, lambda: self._make_and_leave(plain)
        if self.is_sharded:  # whose weights move in each forward, and differ by process
            return self.memory.get(key, make)
        return self.memory.get(key, make, self._smallest())

    def _smallest(self) -> Tensor:
        return min(self.parameters(), key=lambda weight: weight.numel())

    def _make_and_leave(self, make: Callable[[], Any]) -> Any:
        """Make something on the GPU; then the tower moves to the host."""
        self._come_home()
        device = self._smallest().device
        made = make()
        if device != HOST:
            self._move(HOST)
            self._home = device
        return made

    def _come_home(self) -> None:
        if self._home is not None:
            self._move(self._home)
            self._home = None

    @contextmanager
    def _at_home(self) -> Iterator[None]:
        """While no other thread sends the tower away."""
        with self.memory.lock if self.offload else nullcontext():
            self._come_home()
            yield

    def _move(self, device: torch.device) -> None:
        self.text.to(device)
        self.memory.follow(self._smallest())

    def _apply(
        self, change: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any
    ) -> Any:
        """Whoever moves the whole model says where the tower is at home."""
        if self._home is not None:
            self.clear_cache()  # which lies where the tower was at home
            self._home = change(torch.empty(0, device=self._home)).device
        return super()._apply(change, *args, **kwargs)

    def clear_cache(self) -> None:
        """Forget every embedding, because the weights have changed."""
        self.memory.clear()

    def train(self, mode: bool = True):
        """An encoder that trains has nothing to keep."""
        if not self.frozen:
            self.clear_cache()
        return super().train(mode)

    def embed(
        self, texts: Sequence[str], with_words: bool, keep: bool = True
    ) -> TextEmbeddings:
        """As :meth:`forward`, in any case anew and without gradient.

        In full precision, a part at a time, fit for a later backward.
        """
        device = self._home or next(self.parameters()).device
        batches = self.tokens(texts, keep).split(self.max_batch)
        few = len(batches) < 20 or not is_main_process()
        with (
            self._at_home(),
            torch.inference_mode(False),
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),
        ):
            parts = [
                self._embed_tokens(batch, with_words)
                for batch in tqdm(batches, 'Embedding texts', disable=few or None)
            ]
        if len(parts) == 1:
            return parts[0]
        words = [part.words for part in parts if part.words is not None]
        return TextEmbeddings(
            torch.cat([part.sentence for part in parts]),
            torch.cat(words) if words else None,
        )

    def _embed_tokens(self, tokens: Tensor, with_words: bool) -> TextEmbeddings:
        device = next(self.parameters()).device
        if with_words:
            try:
                return TextEmbeddings(*embed_words(self.text, copy_to(tokens, device)))
            except NoWordsError as error:
                raise ValueError(
                    f'the text tower of arch={arch_name(self.arch)} gives no word '
                    f"embeddings ({error}); use saliency_source='class' or "
                    "aggregation='mean'"
                ) from error
        return TextEmbeddings(embed_sentences(self.text, tokens, device), None)


def _forget(encoder: CLIPTextEncoder, incompatible_keys) -> None:
    encoder.clear_cache()
