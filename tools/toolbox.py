"""Run a tool of MMAction2 that knows nothing of this project.

Usage: python tools/toolbox.py NAME [options of the tool]

NAME is its path below MMAction2's tools: analysis_tools/confusion_matrix,
deployment/publish_model ... Tools that first read a config need no help;
these import MMAction2's models, or read a checkpoint, before they do.
"""

import argparse
import sys

from bike_mmaction.cli.mmaction_tools import run_toolbox_tool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('name')
    parser.add_argument('options', nargs=argparse.REMAINDER)
    args = parser.parse_args()
    try:
        run_toolbox_tool(args.name, args.options)
    except FileNotFoundError as error:
        sys.exit(f'toolbox: {error}')


if __name__ == '__main__':
    main()
