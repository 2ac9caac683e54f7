"""Measure what parts of BIKE cost, as ratios of one run.

Weights are random and clips are drawn: time and memory need no others. Parts
that are compared take turns; a figure is the median of all turns, with the
quartiles in brackets.
"""

import argparse
import os.path as osp

from ..terminal import say
from .benchmark_arguments import check, parser

__all__ = ['check', 'parser', 'run']


def run(args: argparse.Namespace) -> None:
    """Measure one subject, in this process or in several new ones."""
    from ..benchmarks.measuring import Report
    from ..benchmarks.plots import draw
    from ..benchmarks.runs import in_new_processes, over_runs
    from ..benchmarks.tables import table

    if args.runs == 1:
        rows = _measure(args)
    else:
        rows = over_runs(in_new_processes(_measure, args, args.runs))
        report = Report(f'{args.what}, {args.runs} runs', args.out)
        say(f'medians of {args.runs} runs: their median (the lowest to the highest)')
        for name, figures in rows:
            report.add(name, **figures)
    if len(rows) > 1:
        say(f'\n{table(rows)}')
    if args.plot is not None:
        draw(rows, args.plot)


def _measure(args: argparse.Namespace) -> list:
    """Rows of one run."""
    from mmaction.utils import register_all_modules

    from ..apis.building import choose_device
    from ..benchmarks.measuring import Report

    register_all_modules()
    if args.device is not None:
        choose_device(args.device)
    report = Report(args.what, args.out if args.runs == 1 else None)
    measure = dict(
        train=_models,
        test=_models,
        efficiency=_efficiency,
        pipeline=_pipeline,
        infer=_infer,
        head=_head,
        text=_text,
        lexicon=_lexicon,
        search=_search,
        startup=_startup,
        scaling=_scaling,
    )
    measure[args.what](args, report)
    return report.rows


def _pipeline(args: argparse.Namespace, report) -> None:
    import tempfile

    from ..benchmarks.clips import draw_clips
    from ..benchmarks.pipeline import benchmark_pipeline
    from .mmaction_tools import read_config_file

    with tempfile.TemporaryDirectory() as folder:
        videos = args.video or draw_clips(folder, 3)
        config = read_config_file(args.config[0])
        options = dict(repeats=args.repeats, backend=args.backend, device=args.device)
        benchmark_pipeline(config, videos, report, **options)


def _models(args: argparse.Namespace, report) -> None:
    """Train or test with one config after the other, each in an empty memory."""
    import gc

    import torch

    for config, videos in zip(args.config, args.batch_size):
        _model(args, report, config, videos)
        if args.compile:
            torch._dynamo.reset()
        gc.collect()
        torch.cuda.empty_cache()


def _model(args: argparse.Namespace, report, config: str, videos: int) -> None:
    import torch

    from ..benchmarks.models import Subject
    from ..benchmarks.peers import PeerConfig
    from ..benchmarks.steps import benchmark_steps
    from .mmaction_tools import read_config_file

    peers = [
        PeerConfig(name, path and read_config_file(path)) for name, path in args.peer
    ]
    name = f'{args.what}, {osp.splitext(osp.basename(config))[0]}, {videos} videos'
    try:
        subject = Subject(
            read_config_file(config),
            videos=videos,
            views=args.views if args.what == 'test' else 1,
            precision=args.precision,
            device=args.device,
        )
        name += f', {subject.num_frames} frames, {args.precision}, {subject.device}'
        limit = args.seconds or float('inf')
        benchmark_steps(
            subject,
            args.what,
            name,
            report,
            args.repeats,
            limit,
            compiled=args.compile,
            peers=peers,
        )
    except torch.cuda.OutOfMemoryError:
        report.add(name, does_not_run_here='out of memory of the GPU')


def _efficiency(args: argparse.Namespace, report) -> None:
    from ..benchmarks.efficiency import benchmark_efficiency
    from .mmaction_tools import read_config_file

    benchmark_efficiency(
        read_config_file(args.config[0]),
        report,
        args.repeats,
        videos=args.batch_size[0],
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

    sizes = Sizes(
        args.batch_size[0], args.classes, args.words, args.clip_len, args.width
    )
    benchmark_head(sizes, report, repeats=args.repeats, device=args.device)


def _text(args: argparse.Namespace, report) -> None:
    from ..benchmarks.text import benchmark_text

    sizes = args.batch_size[0], args.attributes
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


def _scaling(args: argparse.Namespace, report) -> None:
    import torch
    from mmengine.device import get_device

    from ..benchmarks.head import Sizes
    from ..benchmarks.ranks import benchmark_ranks
    from ..benchmarks.scaling import benchmark_head_sizes, benchmark_lexicons
    from .mmaction_tools import read_config_file

    videos = args.batch_size[0]
    if 'head' in args.of:
        sizes = Sizes(videos, args.classes, args.words, args.clip_len, args.width)
        device = torch.device(args.device or get_device())
        benchmark_head_sizes(sizes, report, args.repeats, device)
    if 'ranks' in args.of:
        config, precision = read_config_file(args.config[0]), args.precision
        options = dict(videos=videos, precision=precision, device=args.device)
        benchmark_ranks(config, args.ranks, report, args.repeats, **options)
    if 'lexicon' in args.of:
        counts = [max(1, args.phrases // share) for share in (100, 10, 1)]
        benchmark_lexicons(args.arch, counts, args.videos, report)
