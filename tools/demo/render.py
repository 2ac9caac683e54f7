"""Render the demo's data set as H.264 files with MMAction2 annotations.

Written to ``--out``::

    videos/{train,val,test}/0000.mp4   64x64 pixels, 64 frames, 25 a second
    {train,val,test}.txt               'train/0000.mp4 label', one a line
    all.txt                            the three of them
    class_names.txt                    one a line, in the order of the labels
    lexicon.txt                        attribute phrases, one a line
    truth.json                         per video: class, event, place, ...
    render.json                        the settings, written last
"""

import argparse
import json
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import av
import numpy as np
import scenes
import stamp
from drawing import SIZE
from tqdm import tqdm

FPS = 25
SPLITS = ('train', 'val', 'test')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Render the demo data set')
    parser.add_argument('--out', type=Path, required=True, help='a folder')
    parser.add_argument('--seed', type=int, default=0)
    for split, number in zip(SPLITS, (384, 192, 384)):
        parser.add_argument(
            f'--{split}', type=int, default=number, help='number of clips'
        )
    parser.add_argument(
        '--typical',
        type=float,
        default=0.9,
        help='share of clips set in a place that is typical of their class',
    )
    parser.add_argument('--workers', type=int, default=2, help='processes')
    return parser.parse_args()


def encode(clip: scenes.Clip, path: Path) -> None:
    """Write a clip as H.264, with the same bytes every time.

    That takes one thread, and no macroblock tree: x264's vector code for it is
    not reproducible on frames this small.
    """
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=FPS)
        stream.width = stream.height = SIZE
        stream.pix_fmt = 'yuv420p'
        stream.options = dict(crf='20', preset='veryfast', threads='1', mbtree='0')
        for index in range(scenes.NUM_FRAMES):
            image = scenes.draw(clip, index)
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def truth(clip: scenes.Clip) -> dict[str, Any]:
    """What a clip shows: frames are counted from 0, the last included."""
    place = (clip.background, clip.scenery)
    segments = [[seg.first, seg.last, seg.facts] for seg in clip.segments]
    return {
        'label': clip.label,
        'class': scenes.CLASS_NAMES[clip.label],
        'event': [clip.event.first, clip.event.last],
        'background': clip.background,
        'scenery': clip.scenery,
        'at_home': place == scenes.home(clip.label),
        'segments': segments,
    }


def render_clip(task: tuple[Path, str, tuple, int, float]) -> dict[str, Any]:
    """Plan, draw and encode one clip, from a random stream of its own."""
    videos, name, seed, label, typical = task
    clip = scenes.sample_clip(np.random.default_rng(seed), label, typical)
    encode(clip, videos / name)
    return truth(clip)


def write_lines(path: Path, lines) -> None:
    path.write_text('\n'.join(lines) + '\n')


def render(args: argparse.Namespace) -> None:
    """Render all splits; classes take turns, so that splits are balanced."""
    videos = args.out / 'videos'
    tasks = []
    for number, split in enumerate(SPLITS):
        (videos / split).mkdir(parents=True, exist_ok=True)
        tasks += [
            (
                videos,
                f'{split}/{i:04d}.mp4',
                (args.seed, number, i),
                i % len(scenes.CLASSES),
                args.typical,
            )
            for i in range(getattr(args, split))
        ]
    with Pool(args.workers) as pool:
        results = pool.imap(render_clip, tasks, chunksize=8)
        progress = tqdm(
            results, 'Rendering clips', len(tasks), mininterval=2, disable=None
        )
        truths = {task[1]: result for task, result in zip(tasks, progress)}
    for name in (*SPLITS, 'all'):
        folder = '' if name == 'all' else f'{name}/'
        write_lines(
            args.out / f'{name}.txt',
            (
                f'{video} {result["label"]}'
                for video, result in truths.items()
                if video.startswith(folder)
            ),
        )
    write_lines(args.out / 'class_names.txt', scenes.CLASS_NAMES)
    write_lines(args.out / 'lexicon.txt', scenes.LEXICON)
    rows = (
        f'{json.dumps(name)}: {json.dumps(result)}' for name, result in truths.items()
    )
    write_lines(args.out / 'truth.json', ['{', ',\n'.join(rows), '}'])


def main() -> None:
    args = parse_args()
    settings = stamp.describe(
        seed=args.seed,
        typical=args.typical,
        clips={split: getattr(args, split) for split in SPLITS},
    )
    done = args.out / 'render.json'
    if stamp.matches(done, settings):
        print(f'{args.out} is complete, nothing to render.')
        return
    done.unlink(missing_ok=True)
    render(args)
    stamp.write(done, settings)
    print(f'Rendered {sum(settings["clips"].values())} clips to {args.out}.')


if __name__ == '__main__':
    main()
