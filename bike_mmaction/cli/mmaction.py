"""Run a tool of MMAction2 that knows nothing of this project.

NAME is its path below MMAction2's tools: analysis_tools/confusion_matrix,
deployment/publish_model ... Without NAME they are listed. Where the first of
the tool's options is a config, a shipped one may be given by its bare name.
"""

import argparse
from contextlib import suppress
from typing import Optional

from ..shipped import find_config, find_mmaction_tool, mmaction_tools


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The name, and whatever the tool reads."""
    parser = argparse.ArgumentParser(
        prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('name', nargs='?')
    parser.add_argument('options', nargs=argparse.REMAINDER)
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """List the tools, or find the one; and its config."""
    if args.name is None:
        parser.exit(message='\n'.join(mmaction_tools()) + '\n')
    find_mmaction_tool(args.name)
    if args.options:
        with suppress(FileNotFoundError):  # no config: the tool knows what it is
            args.options[0] = find_config(args.options[0])


def run(args: argparse.Namespace) -> None:
    """Run it as a program."""
    from .mmaction_tools import run_mmaction_tool

    run_mmaction_tool(args.name, args.options)
