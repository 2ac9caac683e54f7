"""What encoding attribute sentences takes: up to their end, or all positions."""

import random
from functools import partial
from typing import Union

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.device import get_device

from ..datasets.class_names import load_class_names
from ..models.clip.text_encoder import CLIPTextEncoder
from ..models.text_head import PROMPT
from .measuring import Report, Spread, by_turns


def sentences(count: int, attributes: int) -> list[str]:
    """Attribute sentences of class names, as the released files have them."""
    names, rng = load_class_names('kinetics400'), random.Random(0)
    return [
        PROMPT.format(', '.join(rng.sample(names, attributes))) for _ in range(count)
    ]


def benchmark_text(
    arch: Union[str, dict],
    batch_size: int,
    attributes: int,
    report: Report,
    repeats: int = 20,
) -> None:
    """Time per batch, and how far scores are apart, frozen and trained.

    Args:
        arch (str | dict): Of open_clip.
        batch_size (int): Sentences.
        attributes (int): In each sentence.
        report (Report): Takes the figures.
        repeats (int): Rounds. Defaults to 20.
    """
    texts = sentences(batch_size, attributes)
    for frozen in (True, False):
        torch.manual_seed(0)
        config = dict(type='CLIPTextEncoder', arch=arch, frozen=frozen)
        encoder = MODELS.build(config).to(get_device()).train()
        parts = dict(trimmed=partial(_trimmed, encoder, texts))
        parts['whole'] = partial(_whole, encoder, texts)
        times = by_turns(
            {name: partial(_step, encode, frozen) for name, encode in parts.items()},
            repeats,
        )
        trimmed, whole = times['trimmed'].clock, times['whole'].clock
        report.add(
            f'{arch}, {batch_size} sentences of {attributes} attributes, '
            f'{"frozen" if frozen else "trained"}',
            up_to_the_end=Spread.of(1000 * trimmed, 'ms'),
            all_positions=Spread.of(1000 * whole, 'ms'),
            ratio=Spread.of(trimmed / whole),
            scores_differ_by=largest_difference(encoder, *parts.values()),
        )


def _trimmed(encoder: CLIPTextEncoder, texts: list[str]) -> torch.Tensor:
    return encoder(texts, with_words=False, keep=False).sentence


def _whole(encoder: CLIPTextEncoder, texts: list[str]) -> torch.Tensor:
    return encoder.text(encoder.tokenize(texts).to(get_device()))


def _step(encode, frozen: bool) -> None:
    with torch.set_grad_enabled(not frozen):
        embeddings = encode()
    if not frozen:
        embeddings.sum().backward()


@torch.no_grad()
def largest_difference(encoder: CLIPTextEncoder, *encodings) -> float:
    """Of the scores that two encodings of the same texts give."""
    names = load_class_names('kinetics400')
    classes = F.normalize(encoder(names, with_words=False).sentence, dim=-1)
    one, other = (F.normalize(encode(), dim=-1) @ classes.T for encode in encodings)
    return (one - other).abs().max().item()
