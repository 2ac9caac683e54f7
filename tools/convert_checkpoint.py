"""Convert the authors' released checkpoints to this project's, and back.

As `bike convert-checkpoint`; the options: python tools/convert_checkpoint.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('convert-checkpoint')


if __name__ == '__main__':
    main()
