"""Damage text files of every kind at random, many times.

Each must be read rightly, or refused by one error that names file and line.

    python tests/stress/fuzz_texts.py [COUNT] [SEED]

COUNT is of each kind (default: 2000, which takes about a minute). Exit status:
0 if all is well, 1 with what is not, and the bytes that show it.
"""

import sys
import tempfile
import warnings

import bike_mmaction  # noqa: F401
from tests.kit.text_fuzz import KINDS, fuzz, misread


def main():
    count, seed = (int(arg) for arg in (*sys.argv[1:], 2000, 0)[:2])
    warnings.simplefilter('ignore')
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            wrong = misread(kind, folder) + fuzz(kind, folder, count, seed)
            print(f'{kind}: {count} damaged, {len(wrong)} taken wrongly', flush=True)
            for case in wrong[:5]:
                print('   ', case)
            failures += len(wrong)
    return bool(failures)


if __name__ == '__main__':
    sys.exit(main())
