"""Test a recognizer: MMAction2's ``tools/test.py``, with further options.

As `bike test`; the options: python tools/test.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('test')


if __name__ == '__main__':
    main()
