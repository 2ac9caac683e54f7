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
from pathlib import Path
from typing import NamedTuple

import numpy as np
import open_clip
import scenes
import stamp
import torch
import torch.nn.functional as F
from mmengine import Config
from torch import Tensor
from tqdm import tqdm

from bike_mmaction.files import replaced

BATCH_SIZE = 128
FRAMES_PER_CLIP = 4  # one half from the event, one from anywhere
LEARNING_RATE = 1.5e-3
WEIGHT_DECAY = 0.05
WARMUP_STEPS = 60
NUM_PADS = 6  # padding positions in a step, spread over all there are
MAX_ZOOM = 1.13
MAX_LOGIT_SCALE = math.log(100)


class Batch(NamedTuple):
    """B frames, one caption each, and the facts of both."""

    frames: Tensor  # [B, 3, 64, 64] uint8
    captions: list[str]
    true: Tensor  # [B, len(LEXICON)]: 1 where the frame shows it
    stated: Tensor  # [B, len(LEXICON)]: 1 where the caption says so


def build_clip(arch) -> open_clip.CLIP:
    """A new CLIP from a dict in the layout of open_clip's model configs."""
    if not isinstance(arch, dict) or arch.get('custom_text'):
        raise ValueError(
            'model.backbone.arch must be a dict with embed_dim, '
            f'vision_cfg and text_cfg for open_clip.CLIP, got '
            f'{arch!r}'
        )
    return open_clip.CLIP(**arch)


def multi_hot(facts) -> list[float]:
    return [float(phrase in facts) for phrase in scenes.LEXICON]


def sample_batch(rng: np.random.Generator, prompt: str) -> Batch:
    """Draw a batch; every other caption is put into BIKE's prompt."""
    frames, captions, true, stated = [], [], [], []
    for _ in range(BATCH_SIZE // FRAMES_PER_CLIP):
        label = int(rng.integers(len(scenes.CLASSES)))
        clip = scenes.sample_clip(rng, label, typical=0)
        event = range(clip.event.first, clip.event.last + 1)
        spans = [event, range(scenes.NUM_FRAMES)] * (FRAMES_PER_CLIP // 2)
        for frame in map(int, map(rng.choice, spans)):
            text, facts = scenes.caption(rng, clip, frame)
            frames.append(scenes.draw(clip, frame))
            captions.append(prompt.format(text) if rng.random() < 0.5 else text)
            true.append(multi_hot(clip.facts(frame)))
            stated.append(multi_hot(facts))
    return Batch(
        torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2),
        captions,
        torch.tensor(true),
        torch.tensor(stated),
    )


def word_embeddings(clip: open_clip.CLIP, tokens: Tensor, positions: Tensor) -> Tensor:
    """The text tower at some positions of [B, 77] tokens: [B, N, D].

    Positions that are left out are not attended to.
    """
    x = clip.token_embedding(tokens[:, positions])
    x = x + clip.positional_embedding[positions]
    size = len(positions)
    x = clip.transformer(x, attn_mask=clip.attn_mask[:size, :size])
    return clip.ln_final(x) @ clip.text_projection


def text_queries(clip: open_clip.CLIP, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Embeddings of the end of the text and of another position: [B, D] each.

    The other one is padding in two of three texts, else a word in the second
    half of the text. To save time most padding positions are left out.
    """
    end = tokens.argmax(1)  # end-of-text has the largest id
    used, total = int(end.max()) + 1, tokens.shape[1]
    pads = used + torch.randperm(total - used)[:NUM_PADS].sort().values
    positions = torch.cat([torch.arange(used), pads])
    words = word_embeddings(clip, tokens, positions)
    rows = torch.arange(len(tokens))
    is_pad = torch.rand(len(tokens)) < 2 / 3
    first = torch.where(is_pad, end + 1, end // 2)
    stop = torch.where(is_pad, len(positions), end)
    other = first + (torch.rand(len(tokens)) * (stop - first)).long()
    return words[rows, end], words[rows, other]


def contrastive_loss(
    images: Tensor, texts: Tensor, match: Tensor, scale: Tensor
) -> Tensor:
    """Symmetric cross-entropy with several positives.

    Args:
        images, texts (Tensor): Embeddings, [B, D] each.
        match (Tensor): 1 where text j is true of image i, else 0. [B, B]
        scale (Tensor): The factor of the cosine similarities.
    """
    logits = scale * F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T
    to_texts = F.cross_entropy(logits, F.normalize(match, p=1, dim=1))
    to_images = F.cross_entropy(logits.T, F.normalize(match.T, p=1, dim=1))
    return (to_texts + to_images) / 2


def match_matrix(batch: Batch) -> Tensor:
    """1 where caption j states nothing that is untrue of frame i: [B, B]."""
    return (((1 - batch.true) @ batch.stated.T) == 0).float()


class Normalize:
    """Normalise uint8 frames as the config's data_preprocessor does."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        self.mean = torch.tensor(mean).view(3, 1, 1)
        self.std = torch.tensor(std).view(3, 1, 1)

    def __call__(self, frames: Tensor) -> Tensor:
        return (frames - self.mean) / self.std


def zoom(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Enlarge every other frame and crop it back, as views of a video are.

    Args:
        frames (Tensor): [B, 3, H, W], uint8.

    Returns:
        Tensor: [B, 3, H, W], float32.
    """
    frames, size = frames.float(), frames.shape[-1]
    larger = int(rng.integers(size, int(size * MAX_ZOOM) + 1))
    top, left = rng.integers(0, larger - size + 1, 2)
    zoomed = F.interpolate(frames[::2], (larger, larger), mode='bilinear')
    frames[::2] = zoomed[..., top : top + size, left : left + size]
    return frames


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then a cosine to zero."""
    warmup = min((step + 1) / WARMUP_STEPS, 1)
    cosine = (1 + math.cos(math.pi * step / steps)) / 2
    return LEARNING_RATE * warmup * cosine


def train(
    clip: open_clip.CLIP,
    normalize: Normalize,
    prompt: str,
    steps: int,
    rng: np.random.Generator,
) -> None:
    """Train all of ``clip`` in place on freshly drawn batches."""
    tokenizer = open_clip.SimpleTokenizer(context_length=clip.context_length)
    optimizer = torch.optim.AdamW(
        clip.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY
    )
    progress = tqdm(range(steps), 'Pre-training CLIP', mininterval=2, disable=None)
    for step in progress:
        optimizer.param_groups[0]['lr'] = learning_rate(step, steps)
        batch = sample_batch(rng, prompt)
        images = clip.encode_image(normalize(zoom(batch.frames, rng)))
        match, scale = match_matrix(batch), clip.logit_scale.exp()
        losses = [
            contrastive_loss(images, texts, match, scale)
            for texts in text_queries(clip, tokenizer(batch.captions))
        ]
        loss = sum(losses) / len(losses)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            clip.logit_scale.clamp_(max=MAX_LOGIT_SCALE)
        progress.set_postfix(loss=f'{loss.item():.2f}', refresh=False)


@torch.no_grad()
def event_accuracy(
    clip: open_clip.CLIP, normalize: Normalize, prompt: str, rng: np.random.Generator
) -> float:
    """Zero-shot top-1, in %, on single event frames of new clips."""
    labels = torch.arange(512) % len(scenes.CLASSES)
    frames = []
    for label in labels.tolist():
        plan = scenes.sample_clip(rng, label, typical=0)
        middle = (plan.event.first + plan.event.last) // 2
        frames.append(scenes.draw(plan, middle))
    frames = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    tokens = open_clip.SimpleTokenizer(context_length=clip.context_length)(
        [prompt.format(name) for name in scenes.CLASS_NAMES]
    )
    images = clip.encode_image(normalize(frames), normalize=True)
    classes = clip.encode_text(tokens, normalize=True)
    return ((images @ classes.T).argmax(1) == labels).float().mean().item() * 100


def save(clip: open_clip.CLIP, path: Path) -> None:
    """Write the state dict in one step, never half of it."""
    with replaced(path) as draft:
        torch.save(clip.state_dict(), draft)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Pre-train the tiny CLIP of the demo')
    parser.add_argument(
        'config',
        help='says model.backbone.arch, model.cls_head.prompt and the '
        'mean and std of model.data_preprocessor',
    )
    parser.add_argument(
        '--out', type=Path, required=True, help='the state dict, a .pt file'
    )
    parser.add_argument('--steps', type=int, default=250)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--threads', type=int, default=1, help='of the CPU')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    model = Config.fromfile(args.config).model
    arch = model.to_dict()['backbone']['arch']
    prompt = model.cls_head.prompt
    pixels = dict(
        mean=list(model.data_preprocessor.mean), std=list(model.data_preprocessor.std)
    )
    settings = stamp.describe(
        arch=arch,
        prompt=prompt,
        pixels=pixels,
        steps=args.steps,
        seed=args.seed,
        threads=args.threads,
    )
    done = args.out.with_suffix('.json')
    if args.out.exists() and stamp.matches(done, settings):
        print(f'{args.out} is there already, nothing to pre-train.')
        return
    done.unlink(missing_ok=True)
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    clip, normalize = build_clip(arch), Normalize(**pixels)
    train(clip, normalize, prompt, args.steps, rng)
    accuracy = event_accuracy(clip.eval(), normalize, prompt, rng)
    print(
        f'Zero-shot accuracy on single event frames: {accuracy:.1f} % '
        f'(chance {100 / len(scenes.CLASSES):.1f} %)'
    )
    save(clip, args.out)
    stamp.write(done, settings)
    print(f'Saved {args.out}')


if __name__ == '__main__':
    main()
