"""Generate attribute files: for every video the nearest phrases of a lexicon.

As `bike generate-attributes`; the options: python tools/generate_attributes.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('generate-attributes')


if __name__ == '__main__':
    main()
