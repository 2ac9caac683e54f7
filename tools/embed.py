"""Keep frame embeddings of videos, to find what is in them by `bike search`.

As `bike embed`; the options: python tools/embed.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('embed')


if __name__ == '__main__':
    main()
