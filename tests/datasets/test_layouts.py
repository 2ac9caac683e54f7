"""What is read of the labels of clips, in the forms that people have them in."""

import json

import pytest

from bike_mmaction.datasets.layouts import ReadingOptions, read_sources
from tests.kit.labelling import write_cvat, write_label_studio


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def read(source, **options):
    (reading,) = read_sources([str(source)], ReadingOptions(**options))
    return reading


def short(reading):
    """Path below the root, labels, and what else is known of each clip."""
    defaults = (None, None, '', '')
    rows = []
    for clip in reading.clips:
        path = clip.path.removeprefix(f'{reading.root}/')
        rest = clip.start, clip.end, clip.group, clip.part
        frames = tuple(clip.frames) if clip.frames else ()
        rows.append((path, clip.labels, *(rest if rest != defaults else ()), *frames))
    return rows


def reasons(reading):
    return [(one.reason, one.name) for one in reading.left_out]


def test_folders(tmp_path):
    """Also deep ones, parts above, an empty class, and what is in no class."""
    touch(tmp_path, 'a/run/1.mp4', 'a/run/deep/2.MKV', 'a/no_clip/x.txt', 'a/loose.mp4')
    touch(tmp_path, 'a/.hidden/1.mp4', 'a/__MACOSX/run/._1.mp4')
    reading = read(tmp_path / 'a')
    assert short(reading) == [('run/1.mp4', ('run',)), ('run/deep/2.MKV', ('run',))]
    assert reading.classes == ['no_clip', 'run']
    assert reasons(reading) == [('in no folder of a class', 'loose.mp4')]
    assert '1 files' in reading.remarks[0] and '1 .txt' in reading.remarks[0]
    touch(tmp_path, 'b/train/run/1.mp4', 'b/Validation/run/2.mp4', 'b/test/jump/3.mp4')
    assert short(read(tmp_path / 'b')) == [
        ('Validation/run/2.mp4', ('run',), None, None, '', 'val'),
        ('test/jump/3.mp4', ('jump',), None, None, '', 'test'),
        ('train/run/1.mp4', ('run',), None, None, '', 'train'),
    ]
    touch(tmp_path, 'c/train/1.mp4', 'c/bus/2.mp4')  # vehicles
    assert [clip.labels for clip in read(tmp_path / 'c').clips] == [
        ('bus',),
        ('train',),
    ]
    folders = [str(tmp_path / 'c/train'), str(tmp_path / 'c/bus')]
    readings = read_sources(folders, ReadingOptions())
    assert [r.classes for r in readings] == [['train'], ['bus']]


def test_several_folders(tmp_path):
    """Of `clips/*` each is a class: an empty one too, and one with folders in it."""
    touch(tmp_path, 'clips/run/1.mp4', 'clips/jump/monday/2.mp4', 'more/swim/3.mp4')
    (tmp_path / 'clips/empty').mkdir()
    names = 'clips/empty', 'clips/jump', 'clips/run', 'more'
    folders = [str(tmp_path / name) for name in names]
    readings = read_sources(folders, ReadingOptions())
    assert [r.classes for r in readings] == [['empty'], ['jump'], ['run'], ['swim']]
    assert [len(r.clips) for r in readings] == [0, 1, 1, 1]


def test_tables(tmp_path):
    touch(tmp_path, 'videos/1.mp4')
    table = tmp_path / 'x.csv'
    lines = ['Video,Action,start,end,recording,split', '1.mp4,run | jump,0.5,2,A,Train']
    lines += ['1.mp4,run;run,1:02,1:02:03.5,,', '1.mp4,,,,,test', '1.mp4,run,3,2,,']
    lines += ['1.mp4,run,a,2,,', ',run,,,,', 'gone.mp4,run,,4,,dev']
    table.write_text('\n'.join(lines))
    reading = read(table)
    assert reading.root == str(tmp_path / 'videos')  # which has the file
    assert short(reading) == [
        ('1.mp4', ('run', 'jump'), 0.5, 2, 'A', 'train'),
        ('1.mp4', ('run',), 62, 3723.5, '', ''),
        ('1.mp4', (), None, None, '', 'test'),
        ('gone.mp4', ('run',), 0, 4, '', 'val'),
    ]
    ranges = [('no time range', '1.mp4')] * 2
    assert reasons(reading) == [*ranges, ('without path', f"'{table}' row 6")]
    windows = tmp_path / 'windows.csv'
    windows.write_text('path,label\nvideos\\1.mp4,run\nC:\\2.mp4,run\n')
    assert [clip[0] for clip in short(read(windows))] == ['videos/1.mp4', 'C:/2.mp4']
    outside = tmp_path / 'outside.csv'
    outside.write_text(f'path,label\n../1.mp4,a\n{tmp_path}/x/1.mp4,a\n/b.mp4,a\n')
    reading = read(outside, root=str(tmp_path / 'x'))
    assert short(reading) == [('1.mp4', ('a',))]
    assert reasons(reading) == [
        ('outside the root', name) for name in ('../1.mp4', '/b.mp4')
    ]


def test_parquet(tmp_path):
    """Lists of labels, and nothing in cells of numbers."""
    pa = pytest.importorskip('pyarrow')
    pq = pytest.importorskip('pyarrow.parquet')
    columns = dict(path=['1.mp4', '2.mp4'], labels=[['a', 'b'], ['a;b']])
    columns.update(start=[1.5, None], end=[2.0, float('nan')])
    pq.write_table(pa.table(columns), tmp_path / 'x.parquet')
    assert short(read(tmp_path / 'x.parquet')) == [
        ('1.mp4', ('a', 'b'), 1.5, 2, '', ''),
        ('2.mp4', ('a;b',)),
    ]


def test_lists(tmp_path):
    touch(tmp_path, 'a b.mp4')
    (tmp_path / 'classes.txt').write_text('run\njump\n')
    (tmp_path / 'my_val_list.txt').write_text('a b.mp4 1 0\nc.mp4 -1\nd.mp4 7\n')
    reading = read(tmp_path / 'my_val_list.txt')
    assert short(reading) == [
        ('a b.mp4', ('jump', 'run'), None, None, '', 'val'),
        ('c.mp4', (), None, None, '', 'val'),
    ]
    assert reasons(reading) == [('label without name', 'd.mp4')]
    (tmp_path / 'x.txt').write_text('a b.mp4 0.50 2 1\nc.mp4 3 3 1\n')
    reading = read(tmp_path / 'x.txt', classes=['swim', 'fly'])
    assert short(reading) == [('a b.mp4', ('fly',), 0.5, 2, '', '')]
    assert reasons(reading) == [('no time range', 'c.mp4')]


def test_label_studio(tmp_path):
    """Frames from 1 become frames from 0; uploads lose what was put before them."""
    touch(tmp_path, 'a b.mp4', 'deep/c.mp4', 'e.mp4', 'x/twice.mp4', 'y/twice.mp4')
    tasks = [
        ('/data/upload/3/1a2b3c4d-a%20b.mp4', [(1, 10, 'run'), (5, 8, 'jump')]),
        ('/data/local-files/?d=videos/deep/c.mp4', ['run', 'jump']),
        ('s3://bucket/e.mp4', []),
        ('http://x.y/twice.mp4?token=1', ['run']),
        ('gone.mp4', ['run']),
        ('e.txt', ['run']),
    ]
    export = write_label_studio(tmp_path / 'export.json', tasks)
    reading = read(export)
    assert short(reading) == [
        ('a b.mp4', ('run',), 0, 9, None),
        ('a b.mp4', ('jump',), 4, 7, None),
        ('deep/c.mp4', ('run', 'jump')),
    ]
    assert reasons(reading) == [
        ('without label', 's3://bucket/e.mp4'),
        ('not one video', 'http://x.y/twice.mp4?token=1'),
        ('missing', 'gone.mp4'),
        ('without video', f"'{export}' task 6"),
    ]
    assert '--frame-rate' in reading.remarks[0]
    minimal = write_label_studio(tmp_path / 'min.json', tasks[:1], minimal=True)
    assert short(read(minimal, rate=50)) == [
        ('a b.mp4', ('run',), 0, 9, 50),
        ('a b.mp4', ('jump',), 4, 7, 50),
    ]


def test_choices_of_label_studio_in_json_min(tmp_path):
    """As its own converter writes them: one is text, several are a dict."""
    touch(tmp_path, 'a.mp4')
    tasks = [
        dict(id=1, video='a.mp4', action='run', annotator='me'),
        dict(id=2, video='a.mp4', kind=dict(choices=['run', 'jump'])),
        dict(id=3, video='a.mp4', kind='jump'),
    ]
    (tmp_path / 'x.json').write_text(json.dumps(tasks))
    reading = read(tmp_path / 'x.json')
    assert short(reading) == [('a.mp4', ('run',)), ('a.mp4', ('run', 'jump'))]
    (left,) = reading.left_out
    assert left.reason == 'without label' and '--label-column' in left.detail
    reading = read(tmp_path / 'x.json', label_column='kind')
    assert short(reading) == [('a.mp4', ('run', 'jump')), ('a.mp4', ('jump',))]


def test_other_results_of_label_studio(tmp_path):
    """Seconds, objects that are followed, several people, and skipped tasks."""
    touch(tmp_path, 'a.mp4')
    sequence = [dict(frame=3, enabled=True), dict(frame=9, enabled=False)]
    sequence.append(dict(frame=20, enabled=True))
    results = [
        dict(value=dict(start=1.5, end=2.5, labels=['run'])),
        dict(
            value=dict(sequence=sequence, labels=['jump'], framesCount=60, duration=2)
        ),
        dict(type='relation', from_id='r0', to_id='r1'),
        dict(value=dict(text=['a note'])),
    ]
    annotations = [
        dict(id=1, result=[dict(value=dict(choices=['fly']))]),
        dict(id=2, result=results, ground_truth=True),
        dict(id=3, result=results, was_cancelled=True),
    ]
    task = dict(id=5, data=dict(v='a.mp4', fps='25'), annotations=annotations)
    skipped = dict(id=6, data=dict(v='a.mp4'), annotations=[annotations[2]])
    (tmp_path / 'x.json').write_text(json.dumps([task, skipped]))
    reading = read(tmp_path / 'x.json')
    assert short(reading) == [
        ('a.mp4', ('run',), 1.5, 2.5, '', ''),
        ('a.mp4', ('jump',), 2, 8, 30),
        ('a.mp4', ('jump',), 19, None, 30),
    ]
    assert [reason for reason, _ in reasons(reading)] == [
        'one more annotation of a task',
        'without label',
    ]


def test_cvat_for_video(tmp_path):
    """Tracks of one label are one range where they overlap, not where one follows
    the other; outside ends them."""
    touch(tmp_path, 'deep/a.mp4')
    tracks = [
        ('run', [(0, False), (7, False), (10, True), (20, False), (25, False)]),
        ('run', [(8, False), (14, True)]),
        ('jump', [(3, False), (4, True)]),
        ('jump', [(4, False), (6, True)]),
    ]
    export = write_cvat(
        tmp_path / 'x.zip', 'a.mp4', ['run', 'jump', 'swim'], tracks=tracks
    )
    reading = read(export)
    assert short(reading) == [
        ('deep/a.mp4', ('run',), 0, 13, None),
        ('deep/a.mp4', ('run',), 20, 25, None),
        ('deep/a.mp4', ('jump',), 3, 3, None),
        ('deep/a.mp4', ('jump',), 4, 5, None),
    ]
    assert reading.classes == ['run', 'jump', 'swim']
    export = write_cvat(tmp_path / 'y.xml', 'b.mp4', ['run'], tracks=tracks[:1])
    assert reasons(read(export)) == [('missing', 'b.mp4')]


def test_cvat_project(tmp_path):
    """Each track is of its task's video."""
    touch(tmp_path, 'a.mp4', 'b.mp4')
    box = '<box frame="{}" outside="0" xtl="1" ytl="1" xbr="9" ybr="9"/>'
    (tmp_path / 'x.xml').write_text(
        '<annotations><meta><project><id>1</id><labels><label><name>run</name></label>'
        '<label><name>jump</name></label></labels><tasks>'
        '<task><id>5</id><name>one</name><source>a.mp4</source></task>'
        '<task><id>6</id><name>two</name><source>b.mp4</source></task>'
        '<task><id>7</id><name>three</name><source>c.mp4</source></task>'
        '</tasks></project></meta>'
        f'<track label="run" task_id="6">{box.format(4)}{box.format(5)}</track>'
        f'<track label="jump" task_id="5">{box.format(0)}{box.format(1)}</track>'
        f'<track label="jump" task_id="8">{box.format(0)}</track>'
        '<image id="3" name="x"><tag label="run"/></image>'
        '</annotations>'
    )
    reading = read(tmp_path / 'x.xml')
    assert short(reading) == [
        ('a.mp4', ('jump',), 0, 1, None),
        ('b.mp4', ('run',), 4, 5, None),
    ]
    assert reading.classes == ['run', 'jump']
    assert reasons(reading) == [
        ('without label', 'c.mp4'),
        ('without video', f"'{tmp_path}/x.xml' task ?"),
        ('without video', f"'{tmp_path}/x.xml' task 8"),
    ]


def test_cvat_for_images(tmp_path):
    """Each tag is for its frame, and for those that the task leaves out."""
    touch(tmp_path, 'a.mp4')
    tags = [(5, 'run'), (8, 'run'), (11, 'jump'), (14, 'run')]
    export = write_cvat(
        tmp_path / 'x.xml', 'a.mp4', ['run', 'jump'], tags=tags, start=5, step=3
    )
    assert short(read(export)) == [
        ('a.mp4', ('run',), 5, 10, None),
        ('a.mp4', ('run',), 14, 16, None),
        ('a.mp4', ('jump',), 11, 13, None),
    ]


def test_what_cannot_be_read(tmp_path, monkeypatch):
    """Each message names the file, what was expected, and the cure."""
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, 'flat/1.mp4', 'frames/run/1.jpg', 'none/x', 'odd.xyz', 'zip.zip')
    texts = {
        'a.csv': 'pfad,label\n1.mp4,a\n',
        'b.csv': 'path;label\n1.mp4;a\n',
        'c.csv': 'path,label,split\n1.mp4,a,fold1\n',
        'd.json': '{}',
        'd2.json': '[{"video": "1.mp4", "x": {"labels": ["a"], "ranges": [3]}}]',
        'e.json': '[',
        'f.xml': '<annotations><a></annotations>',
        'g.xml': '<coco/>',
        'g2.xml': '<annotations><meta><task/></meta><track><box frame="x"/></track>'
        '</annotations>',
        'h.txt': '1.mp4 0\n',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    expected = {
        'flat': "'flat' has videos, but no folder with videos: expected a folder for",
        'frames': "'frames' has images and no videos in folders",
        'none': "'none' has nothing: expected",
        'odd.xyz': "'odd.xyz' is no source of clips",
        'gone': "no such file or folder: 'gone'",
        'zip.zip': "'zip.zip' cannot be read: File is not a zip file",
        'a.csv': "'a.csv' has no column 'path', only pfad, label (--path-column names",
        'b.csv': 'its columns are parted by semicolons: save it with commas',
        'c.csv': "'c.csv' row 1: 'fold1' is no part of a data set; these are train,",
        'd.json': "'d.json' is no export of Label Studio: expected a list of tasks",
        'd2.json': "'d2.json' task 1: a result is not as Label Studio writes it",
        'e.json': "'e.json' line 1 is not JSON",
        'f.xml': "'f.xml' cannot be read: mismatched tag",
        'g.xml': "'g.xml' is no export of CVAT: expected <annotations>",
        'g2.xml': "'g2.xml' is not as CVAT writes it: invalid literal",
        'h.txt': "'h.txt' has numbers for labels, and there is no classes.txt",
    }
    wrong = []
    for name, message in expected.items():
        try:
            text = f'read {read(name)}'
        except (OSError, ValueError) as error:
            text = str(error)
        if message not in text:
            wrong.append(f'{name}: {text}')
    assert not wrong, '\n'.join(wrong)
