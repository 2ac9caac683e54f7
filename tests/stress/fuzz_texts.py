"""Damage text files of every kind at random, many times.

Usage: python -m tests.stress.fuzz_texts [COUNT] [--seed SEED]

Each of COUNT damaged files of a kind (by default 2000, which take a minute)
must be read, or refused by one error that names file and line. Exit status: 0
if all is well, 1 with what is not, and the bytes that show it.
"""

import argparse
import sys
import tempfile
import warnings

import bike_mmaction  # noqa: F401
from tests.kit.text_fuzz import KINDS, fuzz, misread


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('count', nargs='?', type=int, default=2000)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter('ignore')
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            wrong = misread(kind, folder) + fuzz(kind, folder, args.count, args.seed)
            print(
                f'{kind}: {args.count} damaged, {len(wrong)} taken wrongly', flush=True
            )
            for case in wrong[:5]:
                print('   ', case)
            failures += len(wrong)
    return bool(failures)


if __name__ == '__main__':
    sys.exit(main())
