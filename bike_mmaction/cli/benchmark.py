"""Measure what parts of BIKE cost, as ratios of one run.

Weights are random and clips are drawn: time and memory need no others. Parts
that are compared take turns; a figure is the median of all turns, with the
quartiles in brackets.
"""

import argparse
import os.path as osp
import textwrap
from typing import Optional

from ..shipped import find_config
from ..video.reader import BACKENDS
from .arguments import check_output
from .values import count

WHAT = {
    'train': 'a step of training of --config, with its optimizer, against forward '
    'and backward of the bare image tower; on a GPU also memory and MFU, the share '
    'of its peak (matrix products, attention and convolutions)',
    'test': 'a prediction, against forward of the bare image tower',
    'efficiency': 'test and training with each option that makes the image tower of '
    '--config cheaper, and ONNX of 8 bits, against those without',
    'pipeline': 'what the training and the test pipeline of a config take for a video, '
    'against bare reading of the same frames by decord, PyAV and torchcodec; on clips '
    'as of Kinetics (H.264, 340x256, 280 frames), or on --video',
    'infer': 'a folder of such clips, against the larger of (reading / workers) and '
    'computing, and against bare reading; with a tiny model and with --arch',
    'head': 'video concept spotting against its definition: time and peak memory, '
    'forward alone and with the gradient of the frames',
    'startup': 'help, imports and a first prediction in new processes, against the '
    'imports of open_clip, MMEngine and most of MMAction2',
    'text': 'attribute sentences encoded up to their end, against all positions of '
    'the context',
    'lexicon': 'attributes generated with a lexicon of --phrases, against a hundredth '
    'of it: time and peak memory',
    'search': 'texts sought in --frames frame embeddings in memory, against one matrix '
    'product with all of them; of videos whose frames are alike, and of others',
}
REPEATS = dict(
    train=10,
    test=10,
    efficiency=7,
    pipeline=20,
    infer=5,
    head=5,
    text=20,
    lexicon=1,
    search=7,
    startup=5,
)
PARTS = ('test', 'train', 'onnx')  # of efficiency


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    subjects = '\n'.join(
        textwrap.fill(
            f'{name}: {text}', 79, initial_indent='  ', subsequent_indent='    '
        )
        for name, text in WHAT.items()
    )
    parser = argparse.ArgumentParser(
        prog,
        description=f'{__doc__}\nWHAT is one of\n{subjects}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('what', metavar='WHAT', choices=WHAT, help='see above')
    parser.add_argument('--repeats', type=count, help='turns (default: as it needs)')
    parser.add_argument('--out', metavar='FILE', help='also write the figures, as JSON')
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
    _add_of_configs(parser)
    _add_of_efficiency(parser)
    _add_of_archs(parser)
    return parser


def _add_of_configs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('train, test, efficiency and pipeline')
    group.add_argument(
        '--config', default='bike_vitb16_k400', help='(default: %(default)s)'
    )
    group.add_argument('--views', type=count, default=1, help='of a video, in test')
    group.add_argument(
        '--precision',
        choices=('fp32', 'bf16', 'fp16'),
        default='bf16',
        help='of train, test and efficiency (default: %(default)s)',
    )
    group.add_argument('--video', nargs='+', help='files instead of drawn clips')
    group.add_argument(
        '--backend', choices=BACKENDS, help="of the pipeline (default: the config's)"
    )


def _add_of_efficiency(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('efficiency')
    group.add_argument(
        '--parts',
        nargs='+',
        choices=PARTS,
        default=PARTS,
        help='(default: all; onnx is on the CPU)',
    )
    group.add_argument(
        '--merge',
        nargs='+',
        type=count,
        default=(8, 16),
        metavar='TOKENS',
        help='tokens merged in each block (default: 8 16)',
    )
    group.add_argument(
        '--no-compile', action='store_true', help='which takes minutes for large ones'
    )


def _add_of_archs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('infer, text and lexicon')
    group.add_argument(
        '--arch', default='ViT-B-32-quickgelu', help='of open_clip (infer: or tiny)'
    )
    group.add_argument('--videos', type=count, help='clips (default: 32; 96 for infer)')
    group.add_argument('--workers', type=count, default=1, help='of infer')
    group.add_argument(
        '--batch-size', type=count, help='default: text 32, head 256, else 8'
    )
    group.add_argument('--attributes', type=count, default=5, help='of text')
    group.add_argument('--phrases', type=count, default=100_000, help='of lexicon')
    group = parser.add_argument_group('head (its batch: --batch-size)')
    group.add_argument('--classes', type=count, default=256, help='K')
    group.add_argument('--words', type=count, default=77, help='Q, of each class')
    group.add_argument('--clip-len', type=count, default=32, help='T, frames')
    group = parser.add_argument_group('search, and head')
    group.add_argument(
        '--frames', type=count, default=1_000_000, help='(default: %(default)s)'
    )
    group.add_argument(
        '--width', type=count, default=512, help='of embeddings (default: %(default)s)'
    )
    group.add_argument(
        '--texts', type=count, default=16, help='at once (default: %(default)s)'
    )


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the config; refuse what cannot be written."""
    args.config = find_config(args.config)
    if args.out is not None:
        check_output('--out', args.out)
    if args.repeats is None:
        args.repeats = REPEATS[args.what]
    if args.batch_size is None:
        args.batch_size = dict(text=32, head=256).get(args.what, 8)
    if args.videos is None:
        args.videos = 96 if args.what == 'infer' else 32


def run(args: argparse.Namespace) -> None:
    """Measure one subject."""
    from mmaction.utils import register_all_modules

    from ..benchmarks.measuring import Report

    register_all_modules()
    report = Report(args.what, args.out)
    measure = dict(
        train=_model,
        test=_model,
        efficiency=_efficiency,
        pipeline=_pipeline,
        infer=_infer,
        head=_head,
        text=_text,
        lexicon=_lexicon,
        search=_search,
        startup=_startup,
    )
    measure[args.what](args, report)


def _pipeline(args: argparse.Namespace, report) -> None:
    import tempfile

    from ..benchmarks.clips import draw_clips
    from ..benchmarks.pipeline import benchmark_pipeline
    from .mmaction_tools import read_config_file

    with tempfile.TemporaryDirectory() as folder:
        videos = args.video or draw_clips(folder, 3)
        config = read_config_file(args.config)
        options = dict(repeats=args.repeats, backend=args.backend, device=args.device)
        benchmark_pipeline(config, videos, report, **options)


def _model(args: argparse.Namespace, report) -> None:
    from ..benchmarks.models import Subject, benchmark_test, benchmark_train
    from .mmaction_tools import read_config_file

    subject = Subject(
        read_config_file(args.config),
        videos=args.batch_size,
        views=args.views if args.what == 'test' else 1,
        precision=args.precision,
        device=args.device,
    )
    name = (
        f'{args.what}, {osp.basename(args.config)}, {args.batch_size} videos, '
        f'{subject.num_frames} frames, {args.precision}, {subject.device}'
    )
    measure = benchmark_test if args.what == 'test' else benchmark_train
    measure(subject, name, report, args.repeats)


def _efficiency(args: argparse.Namespace, report) -> None:
    from ..benchmarks.efficiency import benchmark_efficiency
    from .mmaction_tools import read_config_file

    benchmark_efficiency(
        read_config_file(args.config),
        report,
        args.repeats,
        videos=args.batch_size,
        precision=args.precision,
        device=args.device,
        merged=args.merge,
        compiled=not args.no_compile,
        parts=args.parts,
    )


def _infer(args: argparse.Namespace, report) -> None:
    from ..benchmarks.infer import benchmark_infer

    options = dict(repeats=args.repeats, device=args.device)
    benchmark_infer(args.arch, args.videos, args.workers, report, **options)


def _head(args: argparse.Namespace, report) -> None:
    from ..benchmarks.head import Sizes, benchmark_head

    sizes = Sizes(args.batch_size, args.classes, args.words, args.clip_len, args.width)
    benchmark_head(sizes, report, repeats=args.repeats, device=args.device)


def _text(args: argparse.Namespace, report) -> None:
    from ..benchmarks.text import benchmark_text

    sizes = args.batch_size, args.attributes
    benchmark_text(args.arch, *sizes, report, repeats=args.repeats)


def _lexicon(args: argparse.Namespace, report) -> None:
    from ..benchmarks.lexicon import benchmark_lexicon

    benchmark_lexicon(args.arch, args.phrases, args.videos, report)


def _search(args: argparse.Namespace, report) -> None:
    from ..benchmarks.search import benchmark_search

    sizes = args.frames, args.width, args.texts
    benchmark_search(*sizes, report, repeats=args.repeats)


def _startup(args: argparse.Namespace, report) -> None:
    from ..benchmarks.startup import benchmark_startup

    benchmark_startup(report, repeats=args.repeats)
