"""Look at what is installed, at the machine, and at what a config needs.

Each finding is a line: ok, warning or error, and how to mend it. Exit status:
0 if there is no error, 1 if there is one.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, Optional

from ..doctor import machine, packages
from ..doctor.findings import ERROR, OK, Check, Finding, failed, look, show, summary
from .values import count

WIDTH = 22  # of the column of subjects


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments; where MMEngine is absent, without ``--cfg-options``."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument(
        'config',
        nargs='?',
        help='also look at the data, weights and memory that this config needs',
    )
    parser.add_argument(
        '--videos',
        type=count,
        default=3,
        help='to decode of each split (default: %(default)s)',
    )
    parser.add_argument(
        '--no-step',
        action='store_true',
        help='without a step of training, which on a CPU may take a minute',
    )
    parser.add_argument(
        '--device', help='of that step (default: a GPU if there is one)'
    )
    parser.add_argument(
        '--json', metavar='FILE', help='write the findings to this file as well'
    )
    try:
        from .arguments import add_cfg_options

        add_cfg_options(parser)
    except ImportError:  # the findings will tell
        parser.set_defaults(cfg_options=None)
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse a file that cannot be written."""
    if args.json is not None:
        from .arguments import check_output

        check_output('--json', args.json)


def run(args: argparse.Namespace, error: Optional[Exception] = None) -> bool:
    """Report all findings; whether one is an error.

    Args:
        args (Namespace): The arguments.
        error (Exception, optional): Why this package could not be imported;
            then a config is not looked at.
    """
    findings = []
    colored = sys.stdout.isatty()
    for finding in _findings(args, error):
        print(show(finding, WIDTH, colored), flush=True)
        findings.append(finding)
    print(summary(findings))
    if args.json is not None:
        _write(args.json, findings)
    return any(finding.state == ERROR for finding in findings)


def _findings(
    args: argparse.Namespace, error: Optional[Exception]
) -> Iterator[Finding]:
    yield from look([*packages.checks(), *machine.checks()])
    if error is not None:
        yield failed('import bike_mmaction', error)
    elif args.config is not None:
        yield from _of_config(args)


def _of_config(args: argparse.Namespace) -> Iterator[Finding]:
    from ..doctor.config import checks

    configs: list[Any] = []

    def reading() -> Iterator[Finding]:
        cfg = _read(args.config, args.cfg_options)
        configs.append(cfg)
        yield Finding('config', OK, f"'{cfg.filename}' can be read")

    yield from look([('config', reading)])
    for cfg in configs:
        listed: list[tuple[str, Check]] = checks(
            cfg, args.videos, not args.no_step, args.device
        )
        yield from look([('optimizer', partial(_optimizer, cfg)), *listed])


def _read(path: str, options: Optional[dict]) -> Any:
    """A config with its options, as the commands read it."""
    from mmaction.utils import register_all_modules

    from ..recipes.options import check_cfg_options
    from .mmaction_tools import read_config_file

    register_all_modules()
    cfg = read_config_file(path)
    check_cfg_options(cfg, options)
    cfg.merge_from_dict(options or {})
    return cfg


def _optimizer(cfg: Any) -> Iterator[Finding]:
    from .train import check_optimizer

    if cfg.get('optim_wrapper'):
        check_optimizer(cfg)
        name = cfg.optim_wrapper.get('optimizer', {}).get('type', '?')
        yield Finding('optimizer', OK, f'{name} is known')


def _write(path: str, findings: list[Finding]) -> None:
    from ..files import write_json

    write_json(path, [finding._asdict() for finding in findings])
