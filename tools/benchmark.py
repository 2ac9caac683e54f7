"""Measure what parts of BIKE cost; ratios of one run.

Usage: python tools/benchmark.py pipeline [--config C --video FILE ...]
       python tools/benchmark.py text [--arch A --batch-size B]
       python tools/benchmark.py lexicon [--arch A --phrases N --videos V]
       python tools/benchmark.py infer [--workers N --videos 96 --repeats 3]

`pipeline`: what the training and the test pipeline of a config take for a
video, against reading the same frames with decord alone; on drawn H.264
clips of 340x256 pixels and 280 frames, as many of Kinetics, or on given files.
`text`: attribute sentences encoded up to their last used position, against
all positions of the context. `lexicon`: generating attributes with a lexicon
of N phrases, against one of N / 100: time and peak memory. `infer`: a folder
of such clips, against the larger of (reading / workers) and computing.

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

import av
import cv2
import decord
import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.device import get_device

from bike_mmaction.apis import generate_attributes
from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.models.clip_text import CLIPTextEncoder
from bike_mmaction.models.pretrained import get_arch
from bike_mmaction.models.text_head import PROMPT

WHAT = ('pipeline', 'text', 'lexicon', 'infer')
ROOT = osp.abspath(osp.join(osp.dirname(__file__), '..'))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('what', choices=[*WHAT, 'generate'])
    parser.add_argument(
        '--config',
        default=osp.join(ROOT, 'configs', 'bike_vitb16_k400.py'),
        help='of video files, for `pipeline`',
    )
    parser.add_argument('--video', nargs='+', help='files for `pipeline`')
    parser.add_argument('--arch', default='ViT-B-32-quickgelu')
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--attributes', type=int, default=5)
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--phrases', type=int, default=100_000)
    parser.add_argument('--videos', type=int, default=32)
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--folder', help=argparse.SUPPRESS)
    return parser.parse_args()


def draw_clip(path: str, seed: int, num_frames: int = 280) -> None:
    """H.264, 340x256: the camera pans over coarse and fine structures."""
    rng, scene = np.random.RandomState(seed), 0
    for cells in (6, 24, 96):
        noise = rng.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        scene = scene + cv2.resize(noise, (680, 512)) / 3
    with av.open(path, 'w') as file:
        stream = file.add_stream('libx264', rate=25)
        stream.width, stream.height, stream.pix_fmt = 340, 256, 'yuv420p'
        for i in range(num_frames):
            x, y = i % 340, int(128 + 100 * np.sin(i / 20))
            image = scene[y : y + 256, x : x + 340] + rng.normal(0, 3, (256, 340, 1))
            frame = av.VideoFrame.from_ndarray(
                image.clip(0, 255).astype(np.uint8), format='rgb24'
            )
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def time_pair(pipeline: Compose, path: str, num_threads: int) -> tuple:
    """Clock and processor seconds [2, 2] of a pipeline, and of bare reading
    of the frames that it took."""
    results = dict(filename=path, start_index=0, label=0, modality='RGB')
    start = time.perf_counter(), time.process_time()
    frames = pipeline(results)['data_samples'].frame_inds
    between = time.perf_counter(), time.process_time()
    reader = decord.VideoReader(path, num_threads=num_threads)
    reader.get_batch(frames).asnumpy()
    end = time.perf_counter(), time.process_time()
    return np.subtract(between, start), np.subtract(end, between)


def benchmark_pipeline(args: argparse.Namespace) -> None:
    """Pairs, one after the other, as a worker of a loader runs them."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    cfg = Config.fromfile(args.config)
    with tempfile.TemporaryDirectory() as folder:
        videos = args.video or [f'{folder}/{i}.mp4' for i in range(3)]
        if not args.video:
            for seed, path in enumerate(videos):
                draw_clip(path, seed)
        for split in ('train', 'test'):
            steps = cfg[f'{split}_pipeline']
            steps[-1]['meta_keys'] = ('frame_inds',)
            pipeline = Compose(steps)
            threads = pipeline.transforms[0].num_threads
            for path in videos:
                time_pair(pipeline, path, threads)  # warm up
            times = [
                time_pair(pipeline, path, threads)
                for _ in range(args.repeats)
                for path in videos
            ]
            whole, bare = np.array(times).transpose(1, 2, 0)
            print(
                f'{split} pipeline, {len(videos)} videos x {args.repeats}: '
                f'{1000 * median(whole[0]):.0f} ms a video, bare reading '
                f'{1000 * median(bare[0]):.0f} ms; ratio '
                f'{quartiles(whole[0] / bare[0])}; of processor time, which '
                'other work on the machine does not change, '
                f'{quartiles(whole[1] / bare[1])}'
            )


def quartiles(ratios: np.ndarray) -> str:
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    return f'{middle:.2f} ({low:.2f} to {high:.2f})'


def sentences(count: int, attributes: int) -> list:
    """Attribute sentences of class names, as the released files have them."""
    names, rng = load_class_names('kinetics400'), random.Random(0)
    return [
        PROMPT.format(', '.join(rng.sample(names, attributes))) for _ in range(count)
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
        config = dict(type='CLIPTextEncoder', arch=args.arch, frozen=frozen)
        compare_lengths(args, MODELS.build(config).to(get_device()).train(), frozen)


def compare_lengths(
    args: argparse.Namespace, encoder: CLIPTextEncoder, frozen: bool
) -> None:
    """Encode up to the last used position, and all positions."""
    texts = sentences(args.batch_size, args.attributes)
    tokens = encoder.tokenize(texts).to(get_device())

    def trimmed():
        return encoder(texts, with_words=False, keep=False).sentence

    def whole():
        encoder.tokenize(texts)  # both tokenize
        with torch.set_grad_enabled(not frozen):
            return encoder.text(tokens)

    def step(encode):
        embeddings = encode()
        if not frozen:
            embeddings.sum().backward()

    for encode in (trimmed, whole):
        step(encode)  # warm up
    times = [
        [seconds(lambda: step(trimmed)), seconds(lambda: step(whole))]
        for _ in range(args.repeats)
    ]
    short, long = (median(t) for t in zip(*times))
    # Pair by pair: other work on the machine slows down both.
    ratio = median(a / b for a, b in times)
    print(
        f'{args.arch}, {args.batch_size} sentences of {args.attributes} attributes, '
        f'{"frozen" if frozen else "trained"}: {1000 * short:.0f} ms a batch, all '
        f'{tokens.shape[1]} positions {1000 * long:.0f} ms, ratio {ratio:.2f}; '
        f'scores differ by {largest_difference(encoder, trimmed, whole):.0e}'
    )


@torch.no_grad()
def largest_difference(encoder: CLIPTextEncoder, *encodings) -> float:
    """Of the scores that two encodings of the same texts give."""
    names = load_class_names('kinetics400')
    classes = F.normalize(encoder(names, with_words=False).sentence, dim=-1)
    one, other = (F.normalize(encode(), dim=-1) @ classes.T for encode in encodings)
    return (one - other).abs().max().item()


def write_video(path: str) -> None:
    """32 frames of noise, 320x240."""
    os.makedirs(osp.dirname(path), exist_ok=True)
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), 25, (320, 240))
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
                subprocess.run(
                    [sys.executable, __file__, 'generate', '--folder', folder]
                    + ['--arch', args.arch, '--phrases', str(phrases)],
                    check=True,
                    stdout=subprocess.PIPE,
                    env=dict(os.environ, PYTHONPATH=ROOT),
                    text=True,
                ).stdout.splitlines()[-1]
            )
            print(
                f'{phrases} phrases, {args.videos} videos: '
                f'{figures[phrases]["seconds"]:.0f} s, peak memory '
                f'{figures[phrases]["peak"]:.2f} GiB'
            )
    small, large = figures.values()
    time_ratio, peak_ratio = (large[k] / small[k] for k in ('seconds', 'peak'))
    print(
        f'100 times the phrases: {time_ratio:.1f} times the time, '
        f'{peak_ratio:.2f} times the memory'
    )


def generate(args: argparse.Namespace) -> None:
    """One run of the generator; prints its figures."""
    names, rng = load_class_names('kinetics400'), random.Random(0)
    words = sorted({w for name in names for w in name.split()})
    phrases = set()
    while len(phrases) < args.phrases:
        phrases.add(' '.join(rng.sample(words, 3)))
    cfg = Config.fromfile(osp.join(ROOT, 'configs', 'bike_vitb32_k400.py'))
    cfg.model.backbone.update(arch=args.arch, pretrained=f'{args.folder}/clip.pt')
    cfg.test_dataloader.dataset.update(
        ann_file=f'{args.folder}/list.txt',
        data_prefix=dict(video=f'{args.folder}/videos'),
    )
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.work_dir = f'{args.folder}/work_dir'
    spent = seconds(
        lambda: generate_attributes(
            cfg, sorted(phrases), 5, f'{args.folder}/{args.phrases}.json'
        )
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(dict(seconds=spent, peak=peak)))


def main() -> None:
    args = parse_args()
    register_all_modules()
    if args.what == 'infer':
        from benchmarks.infer import benchmark_infer  # beside this file

        return benchmark_infer(args, draw_clip, quartiles)
    return dict(
        pipeline=benchmark_pipeline,
        text=benchmark_text,
        lexicon=benchmark_lexicon,
        generate=generate,
    )[args.what](args)


if __name__ == '__main__':
    main()
