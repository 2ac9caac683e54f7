"""The arguments of `bike benchmark`."""

import argparse
import importlib.util
import os.path as osp
import textwrap
from typing import Optional

from ..shipped import find_config, find_mmaction_config
from ..video.reader import BACKENDS
from .arguments import check_output
from .values import count

DESCRIPTION = """Measure what parts of BIKE cost, as ratios of one run.

Weights are random and clips are drawn: time and memory need no others. Parts
that are compared take turns; a figure is the median of all turns, with the
quartiles in brackets."""
WHAT = {
    'train': 'a step of training of --config, with its optimizer, against forward '
    'and backward of the bare image tower; on a GPU also memory, MFU, the share of '
    'its peak that the operations of the model as it is defined are (matrix products, '
    'attention and convolutions), and HFU, that of those which are computed',
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
    'scaling': 'curves: time and memory of video concept spotting and its definition, '
    'with a quarter to four times of --batch-size, --classes and --clip-len; a step of '
    'training against --ranks, each with its own --batch-size; attributes against the '
    'size of the lexicon, up to --phrases',
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
    scaling=5,
)
PICTURES = ('.png', '.svg', '.pdf', '.jpg')
X_CLIP = 'x-clip'
BATCHES = dict(text=32, head=256, scaling=32)  # of the others: 8
CURVES = ('head', 'ranks', 'lexicon')
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
        description=f'{DESCRIPTION}\n\nWHAT is one of\n{subjects}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('what', metavar='WHAT', choices=WHAT, help='see above')
    parser.add_argument('--repeats', type=count, help='turns (default: as it needs)')
    parser.add_argument(
        '--runs',
        type=count,
        default=1,
        help='the whole measurement in so many new processes; figures are then the '
        'median of their medians, with the lowest and the highest in brackets '
        '(default: %(default)s, in this process)',
    )
    parser.add_argument('--out', metavar='FILE', help='also write the figures, as JSON')
    parser.add_argument(
        '--plot', metavar='FILE', help='also draw ratios, or curves, such as a .png'
    )
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
    _add_of_configs(parser)
    _add_of_efficiency(parser)
    _add_of_archs(parser)
    _add_of_sizes(parser)
    return parser


def _add_of_configs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('train, test, efficiency and pipeline')
    group.add_argument(
        '--config',
        nargs='+',
        default=['bike_vitb16_k400'],
        help='several, one after the other, in train and test '
        '(default: bike_vitb16_k400)',
    )
    group.add_argument('--views', type=count, default=1, help='of a video, in test')
    group.add_argument(
        '--precision',
        choices=('fp32', 'bf16', 'fp16'),
        default='bf16',
        help='of train, test and efficiency (default: %(default)s)',
    )
    group.add_argument(
        '--compile',
        action='store_true',
        help='of train and test: by turns with the image tower compiled, too',
    )
    group.add_argument(
        '--seconds',
        type=count,
        help='most time for the turns of one config, in train and test, but three '
        'turns are always made (default: no limit)',
    )
    group.add_argument(
        '--peer',
        nargs='+',
        default=[],
        metavar='MODEL',
        help="of train and test: by turns with other models, 'x-clip' (of Hugging "
        'Face, of the same size, without its text tower), or configs of MMAction2 by '
        'name or path, with the same frames and image size; random weights',
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
        '--no-compile',
        action='store_true',
        help='leave out torch.compile, which takes minutes for large models',
    )


def _add_of_archs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('infer, text and lexicon')
    group.add_argument(
        '--arch',
        default='ViT-B-32-quickgelu',
        help='of open_clip; but for text also tiny',
    )
    group.add_argument('--videos', type=count, help='clips (default: 32; 96 for infer)')
    group.add_argument('--workers', type=count, default=1, help='of infer')
    group.add_argument(
        '--batch-size',
        type=count,
        nargs='+',
        help='for each --config one, or one for all (default: text 32, head 256, '
        'scaling 32, else 8)',
    )
    group.add_argument('--attributes', type=count, default=5, help='of text')
    group.add_argument('--phrases', type=count, default=100_000, help='of lexicon')


def _add_of_sizes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('head and scaling (batch: --batch-size)')
    group.add_argument('--classes', type=count, default=256, help='K')
    group.add_argument('--words', type=count, default=77, help='Q, of each class')
    group.add_argument(
        '--clip-len', type=count, help='T, frames (default: 32; 8 for scaling)'
    )
    group = parser.add_argument_group(
        'scaling, beside those of head, train and lexicon'
    )
    group.add_argument(
        '--of',
        nargs='+',
        choices=CURVES,
        default=['head'],
        help='which curves (default: head)',
    )
    group.add_argument(
        '--ranks', nargs='+', type=count, default=[1, 2], help='(default: 1 2)'
    )
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
    """Find the configs; refuse what cannot be written, and sizes of nothing."""
    args.config = [find_config(config) for config in args.config]
    args.peer = [_find_peer(peer) for peer in args.peer]
    for option, path in (('--out', args.out), ('--plot', args.plot)):
        check_output(option, path)
    if args.plot:
        _check_plot(args.plot)
    if args.repeats is None:
        args.repeats = REPEATS[args.what]
    if args.batch_size is None:
        args.batch_size = [BATCHES.get(args.what, 8)]
    if args.clip_len is None:
        args.clip_len = 8 if args.what == 'scaling' else 32
    if args.videos is None:
        args.videos = 96 if args.what == 'infer' else 32
    _check_lists(parser, args)


def _check_plot(path: str) -> None:
    ending = osp.splitext(path)[1].lower()
    if ending not in PICTURES:
        raise ValueError(
            f"--plot: '{path}' must end with one of {', '.join(PICTURES)}, which says "
            'what kind of picture it is'
        )


def _find_peer(name: str) -> tuple[str, Optional[str]]:
    """Name and path of the config of a peer; X-CLIP has none."""
    if name == X_CLIP:
        if importlib.util.find_spec('transformers') is None:
            raise ModuleNotFoundError(
                f'--peer {X_CLIP} needs transformers: pip install transformers'
            )
        return X_CLIP, None
    path = find_mmaction_config(name)
    return osp.splitext(osp.basename(path))[0], path


def _check_lists(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    configs, sizes = len(args.config), len(args.batch_size)
    if args.what not in ('train', 'test'):
        for option, number in (('--config', configs), ('--batch-size', sizes)):
            if number > 1:
                parser.error(
                    f'{option} takes one value for {args.what}, got {number}; '
                    'several are for train and test'
                )
    elif sizes not in (1, configs):
        parser.error(
            f'--batch-size takes one value, or one for each --config, which are '
            f'{configs}; got {sizes}'
        )
    args.batch_size = args.batch_size * (configs // sizes)
