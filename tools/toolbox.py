"""The old name of ``tools/mmaction_tool.py``, which will go with the next version."""

import sys

from bike_mmaction_cli import run


def main() -> None:
    print('tools/toolbox.py is now tools/mmaction_tool.py', file=sys.stderr)
    run('mmaction')


if __name__ == '__main__':
    main()
