"""Run a tool of MMAction2 that knows nothing of this project.

NAME is its path below MMAction2's tools: analysis_tools/confusion_matrix,
deployment/publish_model ... Its options: bike mmaction NAME --help. Where the
first of them is a config, a shipped one may be given by its bare name.
"""

import argparse
import ast
import textwrap
from contextlib import suppress
from typing import Optional

from ..shipped import find_config, find_mmaction_tool, mmaction_tools

WIDTH = 79  # of a terminal's line


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The name, and whatever the tool reads."""
    parser = argparse.ArgumentParser(
        prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f'The tools, as MMAction2 describes them:\n{listing()}',
    )
    parser.add_argument(
        'name', nargs='?', metavar='NAME', help='without it the tools are listed'
    )
    parser.add_argument(
        'options', nargs=argparse.REMAINDER, metavar='...', help='those of the tool'
    )
    return parser


def listing() -> str:
    """All tools, with what MMAction2 says of each."""
    return '\n'.join(
        textwrap.fill(
            f'  {name}  {_description(find_mmaction_tool(name))}'.rstrip(),
            WIDTH,
            subsequent_indent='      ',
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name in mmaction_tools()
    )


def _description(path: str) -> str:
    """The description that a script gives its parser; '' if none."""
    with open(path, encoding='utf-8') as file:
        tree = ast.parse(file.read())
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith(
            'ArgumentParser'
        ):
            continue
        for keyword in call.keywords:
            if keyword.arg == 'description' and isinstance(keyword.value, ast.Constant):
                return ' '.join(str(keyword.value.value).split())
    return ''


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """List the tools, or find the one; and its config."""
    if args.name is None:
        print(listing())
        parser.exit()
    find_mmaction_tool(args.name)
    if args.options:
        with suppress(FileNotFoundError):  # no config: the tool knows what it is
            args.options[0] = find_config(args.options[0])


def run(args: argparse.Namespace) -> None:
    """Run it as a program."""
    from .mmaction_tools import run_mmaction_tool

    run_mmaction_tool(args.name, args.options)
