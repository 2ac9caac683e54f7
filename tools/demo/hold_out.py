"""Part the demo's classes: half to train on, half to be recognized unseen.

Each color and each action is in both halves, but no pair of them. Writes
{seen,unseen}.txt with the class names and {seen,unseen}_{train,val,test}.txt.

Usage: python tools/demo/hold_out.py DATA
"""

import argparse
from pathlib import Path

from scenes import ACTIONS, CLASS_NAMES

SPLITS = ('train', 'val', 'test')


def parts() -> dict[str, list[int]]:
    """The classes of each half, as on a chessboard of colors and actions."""
    halves: dict[str, list[int]] = dict(seen=[], unseen=[])
    for label in range(len(CLASS_NAMES)):
        ball, action = divmod(label, len(ACTIONS))
        halves['unseen' if (ball + action) % 2 else 'seen'].append(label)
    return halves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data', type=Path)
    data = parser.parse_args().data
    for name, labels in parts().items():
        names = [CLASS_NAMES[label] for label in labels]
        (data / f'{name}.txt').write_text('\n'.join(names) + '\n')
        for split in SPLITS:
            rows = (data / f'{split}.txt').read_text().splitlines()
            pairs = (row.split() for row in rows)
            (data / f'{name}_{split}.txt').write_text(
                ''.join(
                    f'{path} {labels.index(int(label))}\n'
                    for path, label in pairs
                    if int(label) in labels
                )
            )


if __name__ == '__main__':
    main()
