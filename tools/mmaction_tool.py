"""Run a tool of MMAction2 that knows nothing of this project.

As `bike mmaction`; the tools: python tools/mmaction_tool.py
"""

# A file `mmaction.py` here would be imported in place of MMAction2.
from bike_mmaction_cli import run


def main() -> None:
    run('mmaction')


if __name__ == '__main__':
    main()
