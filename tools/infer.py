"""Recognize videos among classes that are named here and now.

As `bike infer`; the options: python tools/infer.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('infer')


if __name__ == '__main__':
    main()
