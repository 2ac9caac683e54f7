"""From parts of long videos to a model, by each source that tells parts."""

import json
import sys

import numpy as np
import pytest

from bike_mmaction.apis import prepare_data
from bike_mmaction.visualization.video import write_video
from tests.kit.configs import load_config
from tests.kit.labelling import write_cvat, write_label_studio
from tests.kit.lists import write_text
from tests.kit.models import write_clip
from tests.kit.tools import run_well

COLORS = dict(red=(220, 30, 30), green=(30, 200, 30), blue=(30, 30, 220))
RATE, LENGTH = 8, 8  # frames a second, and of a part


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Each shows each color for a second: whole, they are all alike."""
    root = tmp_path_factory.mktemp('videos')
    random = np.random.RandomState(0)
    for number in range(10):
        images = [
            np.clip(random.randint(-25, 25, (64, 64, 3)) + COLORS[name], 0, 255)
            for name in order_of(number)
            for _ in range(LENGTH)
        ]
        images = [image.astype(np.uint8) for image in images]
        write_video(str(root / f'{number}.mp4'), images, RATE)
    write_clip(root / 'clip.pt', load_config('bike_demo').arch)
    return root


def order_of(number):
    return np.roll(list(COLORS), number).tolist()


def write_table(root):
    rows = [
        f'{number}.mp4,{place},{place + 1},{name}'
        for number in range(10)
        for place, name in enumerate(order_of(number))
    ]
    return write_text(str(root / 'x.csv'), 'path,start,end,label', *rows)


def write_tasks(root):
    return write_label_studio(
        root / 'x.json',
        [
            (
                f'{number}.mp4',
                [
                    (place * LENGTH + 1, (place + 1) * LENGTH, name)
                    for place, name in enumerate(order_of(number))
                ],
            )
            for number in range(10)
        ],
    )


def write_tracks(root):
    return [
        write_cvat(
            root / f'{number}.xml',
            f'{number}.mp4',
            sorted(COLORS),
            [
                (name, [(place * LENGTH, False), ((place + 1) * LENGTH - 1, False)])
                for place, name in enumerate(order_of(number))
            ],
        )
        for number in range(10)
    ]


@pytest.mark.slow
@pytest.mark.parametrize('write', [write_table, write_tasks, write_tracks])
def test_a_model_of_parts(videos, tmp_path, write):
    out = str(tmp_path / 'mydata')
    data = prepare_data(
        write(videos),
        out,
        base='bike_demo',
        pretrained=str(videos / 'clip.pt'),
        shares=(0.6, 0.1, 0.3),
        workers=1,
    )
    assert [data.parts.count(p) for p in ('train', 'val', 'test')] == [18, 3, 9]
    options = '--tune frozen --epochs 16 --samples 1 --seed 0'.split()
    run_well(sys.executable, 'tools/train.py', out, *options)
    about = json.loads((tmp_path / 'mydata/model/about.json').read_text())
    assert about['metrics']['test']['acc/top1'] > 0.8  # of whole videos: 1/3
