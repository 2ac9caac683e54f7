"""Small official annotation files with real class names, and their videos."""

import csv
import json
import os
import os.path as osp

from bike_mmaction.datasets.catalog import find_dataset
from bike_mmaction.datasets.class_names import load_class_names
from tests.kit.lists import write_text
from tests.kit.tools import outcome
from tests.kit.videos import write_frames, write_video

NUM_FRAMES = 24  # at 25 frames per second, but for ActivityNet


def frame_rate(name):
    """Frames per second of the videos of a data set."""
    return 1 if name == 'activitynet' else 25


def write_official(name, root, rawframes=False):
    """Write official files of a data set and videos of a few lines.

    Four training and four test videos of two classes, except for the parts
    that the data set does not have. Other classes that the files must name
    have no videos on disk. Charades has a test video without action,
    ActivityNet a segment that is too short, HMDB-51 a video in no split.

    Args:
        name (str): Of the catalog.
        root (str): Folder of the videos, as ``--data-root``.
        rawframes (bool): Whether to write extracted frames, too.

    Returns:
        str: Folder of the annotation files, ``<root>/annotations``.
    """
    folder = osp.join(str(root), 'annotations')
    os.makedirs(folder, exist_ok=True)
    videos = WRITERS[name](folder)
    info = find_dataset(name)
    for number, (part, path) in enumerate(videos):
        video = write_video(
            osp.join(str(root), info.folder(part), path),
            NUM_FRAMES,
            seed=number,
            rate=frame_rate(name),
        )
        if rawframes:
            stem = osp.splitext(path)[0]
            write_frames(
                video,
                osp.join(str(root), info.folder(part, 'rawframes'), stem),
                info.frames,
            )
    return folder


def prepare_lists(name, root, *options, annotations=None):
    """Make the lists of the official files below ``root``: the lines printed.

    Args:
        name (str): Of the catalog.
        root (str): Folder of the videos and of the lists.
        *options: Further ones of ``bike prepare``.
        annotations (str, optional): Folder of the official files. Defaults to
            None: ``<root>/annotations``.
    """
    folders = ['--annotations', annotations or f'{root}/annotations']
    folders += ['--data-root', root]
    status, printed = outcome('data/prepare', name, *folders, *options)
    assert status == 0, status
    return printed.splitlines()


def _ucf101(folder):
    names = load_class_names('ucf101')
    write_text(
        f'{folder}/classInd.txt', *(f'{i} {name}' for i, name in enumerate(names, 1))
    )
    videos = []
    for split in (1, 2, 3):
        train, test = [], []
        for label, name in ((0, 'ApplyEyeMakeup'), (100, 'YoYo')):
            for clip in (1, 2, 3, 4):
                path = f'{name}/v_{name}_g01_c0{clip}.avi'
                if clip in (split, 4):
                    test.append(path)
                else:
                    train.append(f'{path} {label + 1}')
                if split == 1:
                    videos.append(('val', path))
        write_text(f'{folder}/trainlist0{split}.txt', *train)
        write_text(f'{folder}/testlist0{split}.txt', *test)
    return videos


def _hmdb51(folder):
    videos = []
    for name in load_class_names('hmdb51'):
        name = name.replace(' ', '_')
        there = name in ('brush_hair', 'wave')
        clips = [f'a#1_{name}_u_nm_{i}.avi' for i in range(6)] if there else []
        for split in (1, 2, 3):
            # Two for training, two for testing, one unused; and one always.
            uses = [(i + split) % 5 % 3 for i in range(5)] + [2]
            write_text(
                f'{folder}/testTrainMulti_7030_splits/{name}_test_split{split}.txt',
                *(f'{clip} {(1, 2, 0)[use]} ' for clip, use in zip(clips, uses)),
            )
        videos += [('val', f'{name}/{clip}') for clip in clips]
    return videos


def _activitynet(folder):
    database, videos = {}, []
    for i, subset in enumerate(['training'] * 4 + ['validation'] * 4):
        name = f'--Id{i:07}'
        label = ('Archery', 'Zumba')[i % 2]
        segments = [[0.5, 9.5], [12.0, 30.0]]
        segments += {1: [[10.0, 17.9]], 2: [[25.0, 40.0]], 3: [[1, 9]]}.get(
            i, []
        )  # short, behind the end, just long enough
        annotations = [dict(label=label, segment=s) for s in segments]
        if i == 7:
            annotations.append(dict(label='Archery', segment=[6, 7]))
        database[name] = dict(subset=subset, annotations=annotations, duration=24)
        stem = name if i % 3 == 2 else f'v_{name}'
        videos.append(('val', f'{stem}.mp4'))
    for name, subset in (('untold', 'validation'), ('hidden', 'testing')):
        database[name] = dict(subset=subset, annotations=[], duration=9.5)
    with open(f'{folder}/activity_net.v1-3.min.json', 'w') as file:
        json.dump(dict(database=database), file)
    return videos


def _charades(folder):
    train = [
        ('TR001', 'c092 0.10 0.60;c147 0.00 0.90'),
        ('TR002', 'c147 0.50 7.50;c092 0.30 0.30'),  # cut, empty
        ('TR003', 'c092 0.00 0.48'),
        ('TR004', 'c147 0.20 0.80;c092 0.97 5.00'),  # the second is behind
        ('TR005', ''),
    ]
    test = [
        ('TE001', 'c147 0.00 0.50;c092 0.10 0.60;c147 0.60 0.90'),
        ('TE002', 'c092 0.10 0.60'),
        ('TE003', 'c147 0.10 0.60'),
        ('TE004', 'c000 0.10 0.60;c147 0.30 0.40'),
        ('TE005', ''),
    ]
    for name, rows in (('train', train), ('test', test)):
        _write_csv(
            f'{folder}/Charades_v1_{name}.csv',
            ['id', 'subject', 'descriptions', 'actions', 'length'],
            [
                (video, 'S1', 'A person, "standing"', actions, '0.96')
                for video, actions in rows
            ],
        )
    return [('val', f'{video}.mp4') for video, _ in train + test]


def _kinetics(folder, names, shown, files):
    """A row of each class, and four videos of those that are shown."""
    videos = []
    for part, file in files.items():
        rows = [(name, f'absent-{i:04}', 3, 13, part) for i, name in enumerate(names)]
        for i in range(4):
            video = f'{part}-_video{i}'
            rows.append((shown[i % 2], video, 7, 17, part))
            stem = video if i == 3 else f'{video}_000007_000017'
            sub = '' if i == 2 else f'{shown[i % 2].replace(" ", "_")}/'
            videos.append((part, f'{sub}{stem}.mp4'))
        _write_csv(
            f'{folder}/{file}',
            ['label', 'youtube_id', 'time_start', 'time_end', 'split'],
            rows,
        )
    return videos


def _kinetics400(folder):
    return _kinetics(
        folder,
        [],
        ('abseiling', "massaging person's head"),
        dict(train='kinetics_400_train.csv', val='kinetics_400_val.csv'),
    )


def kinetics600_class_names():
    """600 names, those of the zero-shot splits among them."""
    names = [
        name
        for split in (1, 2, 3)
        for name in load_class_names(f'kinetics600_zeroshot_split{split}')
    ]
    names = list(dict.fromkeys(names + load_class_names('kinetics400')))
    return sorted(names[:600])


def _kinetics600(folder):
    splits = [
        set(load_class_names(f'kinetics600_zeroshot_split{split}'))
        for split in (1, 2, 3)
    ]
    shown = sorted(set.intersection(*splits))[:2]
    return _kinetics(
        folder,
        kinetics600_class_names(),
        shown,
        dict(train='train.csv', val='validate.csv', test='test.csv'),
    )


def _write_csv(path, header, rows):
    with open(path, 'w', newline='', encoding='utf-8') as file:
        csv.writer(file, quoting=csv.QUOTE_MINIMAL).writerows([header, *rows])


WRITERS = dict(
    ucf101=_ucf101,
    hmdb51=_hmdb51,
    activitynet=_activitynet,
    charades=_charades,
    kinetics400=_kinetics400,
    kinetics600=_kinetics600,
    kinetics600_zeroshot=lambda folder: [
        video for video in _kinetics600(folder) if video[0] == 'test'
    ],
)
