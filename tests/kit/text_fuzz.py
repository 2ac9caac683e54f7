"""Text files of every kind, damaged at random: read rightly, or one error."""

import json
import random
import re

import mmengine
import torch
from mmaction.registry import DATASETS

from bike_mmaction.datasets.attribute_file import AttributeFile
from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.datasets.lexicon import load_lexicon
from bike_mmaction.datasets.prompts import load_prompts
from bike_mmaction.datasets.released_lists import read_list
from bike_mmaction.datasets.video_table import VideoTable
from bike_mmaction.evaluation.score_dumps import read_dump
from bike_mmaction.text_files import read_fields, read_json, read_rows

NAMES = 'running,walking,playing chess,tai chi,fußball,abseiling'.split(',')
SCORES = [
    dict(pred_score=torch.ones(2), gt_label=torch.tensor([0]), filename=f'{i}.mp4')
    for i in range(4)
]


def read_dataset(path, type='VideoDataset', **options):
    dataset = DATASETS.build(dict(type=type, ann_file=path, pipeline=[], **options))
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return [{k: v for k, v in info.items() if k != 'filename_tmpl'} for info in infos]


def read_several(path):
    infos = read_dataset(path, multi_class=True, num_classes=9)
    return [dict(info, label=info['label'].tolist()) for info in infos]


def read_attributes(path):
    file = AttributeFile(path)
    return [(key, file.find(key)) for key in file._keys]


def read_scores(path):
    samples = read_dump(path).samples
    return [{key: str(value) for key, value in s.items()} for s in samples]


def read_rows_to_label(path):
    return list(VideoTable(path).rows())


def attributes(videos):
    entries = [
        f'{json.dumps(f"c/{i}.mp4")}: {json.dumps(dict(classname_topk=NAMES[:i]))}'
        for i in range(1, videos)
    ]
    return '{\n' + ',\n'.join(entries) + '\n}\n'


def lines(*parts):
    return ''.join(f'{part}\n' for part in parts)


# Of each kind: how it is read, a good one, and whether it is read by lines.
KINDS = {
    'videos': (read_dataset, lines(*(f'a/v{i}.mp4 {i % 3}' for i in range(9))), True),
    'several labels': (
        read_several,
        lines('a.mp4 1 2', 'b.mp4', 'c.mp4 0 8', 'ä.mp4 4'),
        True,
    ),
    'frames': (
        lambda path: read_dataset(path, 'RawframeDataset'),
        lines(*(f'a/v{i} {i + 5} {i % 3}' for i in range(9))),
        True,
    ),
    'segments': (
        lambda path: read_dataset(path, 'VideoSegmentDataset'),
        lines(*(f'v{i}.mp4 {i}.5 {i + 1}.25 {i}' for i in range(9))),
        True,
    ),
    'class names': (load_class_names, lines(*NAMES), True),
    'class table': (
        load_class_names,
        lines('id,name', *(f'{i},"{name}"' for i, name in enumerate(NAMES))),
        True,
    ),
    'lexicon': (load_lexicon, lines(*NAMES), True),
    'prompts': (load_prompts, lines('a photo of {}', 'this is {}'), True),
    'attributes': (read_attributes, attributes(6), False),
    'released list': (
        read_list,
        lines(*(f'/data/YoYo/v{i} {i + 9} {i}' for i in range(9))),
        True,
    ),
    'list to label': (
        read_rows_to_label,
        lines('a b.mp4', 'c 1.mp4 3 -1', 'my clip 7', 'd.avi 0', 'ä.mp4'),
        True,
    ),
    'table to label': (
        read_rows_to_label,
        lines('path,name', *(f'{i}.mp4,"{n}, {i}"' for i, n in enumerate(NAMES))),
        False,
    ),
    'official list': (
        lambda path: list(read_fields(path, 2, 'a.avi 1')),
        lines(*(f'#{i}_a.avi {i}' for i in range(9))),
        True,
    ),
    'official table': (
        lambda path: list(read_rows(path, ('id', 'name'))),
        lines('id,name,more', *(f'{i},{n},"a, b"' for i, n in enumerate(NAMES))),
        False,
    ),
    'JSON': (
        read_json,
        json.dumps(dict(database={n: [1, 2.5, n] for n in NAMES})),
        False,
    ),
    'scores': (read_scores, None, False),
}
# What many editors make of a text.
HARMLESS = dict(
    mark=lambda text: '\ufeff' + text,
    windows=lambda text: text.replace('\n', '\r\n'),
    end=lambda text: text + '\n \n\r\n',
)
HARMLESS_OF_LINES = dict(
    spaces=lambda text: text.replace('\n', '  \t\n '),
    comments=lambda text: f'# ours\n{text}#\n# end\n',
)
PIECES = (
    *(b'\0', b'\xff', b'\n', b'\r', b'\n\n', b' ', b'\t', b'"', b"'", b',', b';'),
    *(b'#', b'# ', b'{', b'}', b'[' * 3000, b'-', b'9' * 30, b'1_0', b'nan', b'\\'),
    *(
        b'\xef\xbb\xbf',
        b'\xff\xfe',
        b'\xc3',
        '\u2028'.encode(),
        b'\x1b[31m',
        b'x' * 9999,
    ),
    *(b'cos\nsystem\n(', b'\x80\x05', '١'.encode()),
)
# These are of a file as a whole.
OF_ALL = re.compile(
    'is empty|lists no videos|got a |UTF-|not a pickle|header|too deep|is no data'
    "|list of dicts|holds an empty|must contain '{}'|there are no videos|has no col"
    '|two columns'
)


def path_of(kind, folder):
    """The file; the name of some tells what they are."""
    return f'{folder}/file.{"csv" if kind == "table to label" else "txt"}'


def good(kind, path):
    """Write a good file of a kind; its bytes."""
    if kind == 'scores':
        mmengine.dump(SCORES, path, file_format='pkl')
    else:
        with open(path, 'w', encoding='utf-8', newline='') as file:
            file.write(KINDS[kind][1])
    with open(path, 'rb') as file:
        return file.read()


def damage(content, rng):
    """The bytes with one to three changes."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(content) + 1)
        end = min(len(content), at + rng.choice((0, 1, 1, 2, 30)))
        lost = content[at:end]
        how = rng.randrange(5)
        if how == 0:
            content = content[:at]  # cut off
        elif how == 1:
            content = content[:at] + lost + content[at:]  # again
        elif how == 2:
            content = content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        else:
            content = content[:at] + rng.choice(PIECES) + content[end:]
    return (
        content.decode('utf-8', 'replace').encode('utf-16')
        if rng.random() < 0.03
        else content
    )


def complaint(kind, path):
    """What is wrong with how a damaged file is taken; '' if nothing is."""
    try:
        KINDS[kind][0](path)
        return ''
    except (OSError, ValueError) as error:
        message = str(error)
        told = path in message
        placed = re.search(r'line \d+', message) or OF_ALL.search(message)
        if kind == 'scores':
            placed = True
        if told and placed and '\n' not in message and len(message) < 1000:
            return ''
        return f'{type(error).__name__}: {message[:300]!r}'
    except BaseException as error:  # of any other kind
        return f'{type(error).__name__}: {str(error)[:300]!r}'


def misread(kind, folder):
    """The harmless changes that a kind does not bear."""
    if kind == 'scores':
        return []
    path = path_of(kind, folder)
    content = good(kind, path)
    read, text, by_lines = KINDS[kind]
    expected, wrong = read(path), []
    for name, change in {**HARMLESS, **(HARMLESS_OF_LINES if by_lines else {})}.items():
        with open(path, 'wb') as file:
            file.write(change(text).encode())
        try:
            if not _same(read(path), expected):
                wrong.append(f'{kind}, {name}: read otherwise')
        except Exception as error:
            wrong.append(f'{kind}, {name}: {error}')
    assert content
    return wrong


def _same(one, other):
    return re.sub(r' line \d+', '', repr(one)) == re.sub(r' line \d+', '', repr(other))


def fuzz(kind, folder, count, seed):
    """Damage a file of a kind many times; what went wrong, with the bytes."""
    rng, path = random.Random(f'{kind} {seed}'), path_of(kind, folder)
    content, wrong = good(kind, path), []
    for _ in range(count):
        damaged = damage(content, rng)
        with open(path, 'wb') as file:
            file.write(damaged)
        problem = complaint(kind, path)
        if problem:
            wrong.append((kind, problem, damaged[:200]))
    return wrong
