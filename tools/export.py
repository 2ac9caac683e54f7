"""Write a recognizer's video branch as ONNX or as a torch.export program.

As `bike export`; the options: python tools/export.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('export')


if __name__ == '__main__':
    main()
