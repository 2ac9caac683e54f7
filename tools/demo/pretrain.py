"""Pre-train a tiny open_clip CLIP on drawn frames and their captions.

It plays the part of OpenAI's weights in the demo: a model that knows single
frames and words and has never seen a video or an action's label. Background
and scenery are drawn independently of the class here.

Two things differ from plain CLIP training:

- A caption counts as right for *every* frame of the batch that it is true of;
  short captions are true of many.
- The image is matched not only to the end-of-text position, but also to a
  random later one (padding) or a word before it. BIKE's saliency asks all
  positions by default (``words='all'``), and in a CLIP this small positions
  that no loss touches would answer with noise.
"""
import argparse
import math
import os
import time
from pathlib import Path
from typing import List, NamedTuple, Tuple

import numpy as np
import open_clip
import scenes
import stamp
import torch
import torch.nn.functional as F
from mmengine import Config
from torch import Tensor

BATCH_SIZE = 128
FRAMES_PER_CLIP = 4  # half of them show the event
LEARNING_RATE = 1.5e-3
WEIGHT_DECAY = 0.05
WARMUP_STEPS = 60
NUM_PADS = 6  # padding positions in a step, spread over all there are
MAX_LOGIT_SCALE = math.log(100)


class Batch(NamedTuple):
    """B frames, one caption each, and the facts of both."""
    frames: Tensor  # [B, 3, 64, 64] uint8
    captions: List[str]
    true: Tensor  # [B, len(LEXICON)]: 1 where the frame shows it
    stated: Tensor  # [B, len(LEXICON)]: 1 where the caption says so


def multi_hot(facts) -> List[float]:
    return [float(phrase in facts) for phrase in scenes.LEXICON]


def sample_batch(rng: np.random.Generator, prompt: str) -> Batch:
    """Draw a batch; every other caption is put into BIKE's prompt."""
    frames, captions, true, stated = [], [], [], []
    for _ in range(BATCH_SIZE // FRAMES_PER_CLIP):
        label = int(rng.integers(len(scenes.CLASSES)))
        clip = scenes.sample_clip(rng, label, typical=0)
        event = clip.event
        for i in range(FRAMES_PER_CLIP):
            span = (event.first, event.last + 1) if i % 2 else (
                0, scenes.NUM_FRAMES)
            frame = int(rng.integers(*span))
            text, facts = scenes.caption(rng, clip, frame)
            frames.append(scenes.draw(clip, frame))
            captions.append(prompt.format(text) if rng.random() < .5 else text)
            true.append(multi_hot(clip.facts(frame)))
            stated.append(multi_hot(facts))
    return Batch(
        torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2), captions,
        torch.tensor(true), torch.tensor(stated))


def word_embeddings(clip: open_clip.CLIP, tokens: Tensor,
                    positions: Tensor) -> Tensor:
    """The text tower at some positions of [B, 77] tokens: [B, N, D].

    Positions that are left out are not attended to.
    """
    x = clip.token_embedding(tokens[:, positions])
    x = x + clip.positional_embedding[positions]
    size = len(positions)
    x = clip.transformer(x, attn_mask=clip.attn_mask[:size, :size])
    return clip.ln_final(x) @ clip.text_projection


def text_queries(clip: open_clip.CLIP, tokens: Tensor) -> Tuple[Tensor, Tensor]:
    """Embeddings of the end of the text and of another position: [B, D] each.

    The other one is padding in two of three texts, else a word in the second
    half of the text. To save time most padding positions are left out.
    """
    end = tokens.argmax(1)  # end-of-text has the largest id
    used, total = int(end.max()) + 1, tokens.shape[1]
    pads = used + torch.randperm(total - used)[:NUM_PADS].sort().values
    words = word_embeddings(clip, tokens, torch.cat([torch.arange(used), pads]))
    rows, size = torch.arange(len(tokens)), words.shape[1]
    is_pad = torch.rand(len(tokens)) < 2 / 3
    first = torch.where(is_pad, end + 1, end // 2)
    stop = torch.where(is_pad, size, end)
    other = first + (torch.rand(len(tokens)) * (stop - first)).long()
    return words[rows, end], words[rows, other]


def contrastive_loss(images: Tensor, texts: Tensor, match: Tensor,
                     scale: Tensor) -> Tensor:
    """Symmetric cross-entropy with several positives.

    Args:
        images, texts (Tensor): Embeddings, [B, D] each.
        match (Tensor): 1 where text j is true of image i, else 0. [B, B]
        scale (Tensor): The factor of the cosine similarities.
    """
    logits = scale * F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T
    return (F.cross_entropy(logits, match / match.sum(1, keepdim=True)) +
            F.cross_entropy(logits.T, match.T / match.T.sum(1, keepdim=True))
            ) / 2
