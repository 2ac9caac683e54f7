"""Measure what the attributes branch costs; ratios of one run.

Usage: python tools/benchmark.py text [--arch A --batch-size B]
       python tools/benchmark.py lexicon [--arch A --phrases N --videos V]

`text`: attribute sentences encoded up to their last used position, against
all positions of the context. `lexicon`: generating attributes with a lexicon
of N phrases, against one of N / 100: time and peak memory.

Weights are random: they change nothing in time or memory.
"""
import argparse
import json
import os
import os.path as osp
import random
import resource
import subprocess
import sys
import tempfile
import time
from statistics import median

import cv2
import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.device import get_device

from bike_mmaction.apis import generate_attributes
from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.models.pretrained import get_arch
from bike_mmaction.models.text_head import PROMPT

ROOT = osp.abspath(osp.join(osp.dirname(__file__), '..'))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('what', choices=['text', 'lexicon', 'generate'])
    parser.add_argument('--arch', default='ViT-B-32-quickgelu')
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--attributes', type=int, default=5)
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--phrases', type=int, default=100_000)
    parser.add_argument('--videos', type=int, default=32)
    parser.add_argument('--folder', help=argparse.SUPPRESS)
    return parser.parse_args()


def sentences(count: int, attributes: int) -> list:
    """Attribute sentences of class names, as the released files have them."""
    names, rng = load_class_names('kinetics400'), random.Random(0)
    return [
        PROMPT.format(', '.join(rng.sample(names, attributes)))
        for _ in range(count)
    ]


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def benchmark_text(args: argparse.Namespace) -> None:
    """Time per batch, and how far scores are apart."""
    torch.manual_seed(0)
    for frozen in (True, False):
        encoder = MODELS.build(
            dict(type='CLIPTextEncoder', arch=args.arch,
                 frozen=frozen)).to(get_device()).train()
        texts = sentences(args.batch_size, args.attributes)
        tokens = encoder.tokenize(texts).to(get_device())

        def trimmed():
            return encoder(texts, words=False, keep=False).sentence

        def whole():
            encoder.tokenize(texts)  # both tokenize
            with torch.set_grad_enabled(not frozen):
                return encoder.text(tokens)

        def step(encode):
            found = encode()
            if not frozen:
                found.sum().backward()

        for encode in (trimmed, whole):
            step(encode)  # warm up
        times = [(seconds(lambda: step(trimmed)), seconds(lambda: step(whole)))
                 for _ in range(args.repeats)]
        short, long = (median(t) for t in zip(*times))
        # Pair by pair: other work on the machine slows down both.
        ratio = median(a / b for a, b in times)
        classes = F.normalize(
            encoder(load_class_names('kinetics400'),
                    words=False).sentence.detach(),
            dim=-1)
        with torch.no_grad():
            a, b = (
                F.normalize(x(), dim=-1) @ classes.T for x in (trimmed, whole))
        print(f'{args.arch}, {args.batch_size} sentences of {args.attributes} '
              f'attributes, {"frozen" if frozen else "trained"}: '
              f'{1000 * short:.0f} ms a batch, all '
              f'{tokens.shape[1]} positions {1000 * long:.0f} ms, ratio '
              f'{ratio:.2f}; scores differ by {(a - b).abs().max():.0e}')


def write_video(path: str) -> None:
    """32 frames of noise, 320x240."""
    os.makedirs(osp.dirname(path), exist_ok=True)
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), 25,
                             (320, 240))
    for _ in range(32):
        writer.write(np.random.randint(0, 255, (240, 320, 3), np.uint8))
    writer.release()


def benchmark_lexicon(args: argparse.Namespace) -> None:
    """Two whole runs of the generator, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        config = get_arch(args.arch)
        torch.save(open_clip.CLIP(**config).state_dict(), f'{folder}/clip.pt')
        for i in range(args.videos):
            write_video(f'{folder}/videos/{i}.mp4')
        with open(f'{folder}/list.txt', 'w') as file:
            file.writelines(f'{i}.mp4 0\n' for i in range(args.videos))
        figures = {}
        for phrases in (args.phrases // 100, args.phrases):
            figures[phrases] = json.loads(
                subprocess.run([
                    sys.executable, __file__, 'generate', '--arch', args.arch,
                    '--phrases',
                    str(phrases), '--folder', folder
                ],
                               check=True,
                               stdout=subprocess.PIPE,
                               env=dict(os.environ, PYTHONPATH=ROOT),
                               text=True).stdout.splitlines()[-1])
            print(f'{phrases} phrases, {args.videos} videos: '
                  f'{figures[phrases]["seconds"]:.0f} s, peak memory '
                  f'{figures[phrases]["peak"]:.2f} GiB')
    small, large = figures.values()
    print(f'100 times the phrases: {large["seconds"] / small["seconds"]:.1f} '
          f'times the time, {large["peak"] / small["peak"]:.2f} times the '
          'memory')


def generate(args: argparse.Namespace) -> None:
    """One run of the generator; prints its figures."""
    names, rng = load_class_names('kinetics400'), random.Random(0)
    words = sorted({w for name in names for w in name.split()})
    phrases = set()
    while len(phrases) < args.phrases:
        phrases.add(' '.join(rng.sample(words, 3)))
    cfg = Config.fromfile(osp.join(ROOT, 'configs', 'bike_vitb32_k400.py'))
    cfg.model.backbone.update(
        arch=args.arch, pretrained=f'{args.folder}/clip.pt')
    cfg.test_dataloader.dataset.update(
        ann_file=f'{args.folder}/list.txt',
        data_prefix=dict(video=f'{args.folder}/videos'))
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.work_dir = f'{args.folder}/work_dir'
    spent = seconds(lambda: generate_attributes(
        cfg, sorted(phrases), 5, f'{args.folder}/{args.phrases}.json'))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(dict(seconds=spent, peak=peak)))


def main() -> None:
    args = parse_args()
    register_all_modules()
    dict(
        text=benchmark_text, lexicon=benchmark_lexicon,
        generate=generate)[args.what](
            args)


if __name__ == '__main__':
    main()
