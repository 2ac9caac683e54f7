"""Results of labelling in the formats of other programs."""

import csv
import json
from xml.etree import ElementTree

import pytest

from bike_mmaction.apis import convert_labels
from bike_mmaction.apis.inference.recognition import Recognition
from bike_mmaction.apis.inference.spans import Span, spans_of
from bike_mmaction.apis.inference.subtitles import write_subtitles
from bike_mmaction.datasets.layouts.clips import ReadingOptions
from bike_mmaction.datasets.layouts.label_studio import read_label_studio
from bike_mmaction.datasets.tables import read_table
from tests.kit.videos import write_video


def row(path, label, first, second, times=(None, None), error=None):
    """Of a result in JSON lines, with the confidences of 'a' and 'b'."""
    names = ('b', 'a') if label == 'b' else ('a', 'b')
    entries = [{'class': n, 'confidence': c} for n, c in zip(names, (first, second))]
    start, end = times
    return dict(
        path=path,
        **({} if start is None else dict(start=start, end=end)),
        label=label,
        confidence=None if error else first,
        predictions=None if error else entries,
        warning=None,
        error=error,
    )


def write_rows(path, rows):
    if path.suffix == '.jsonl':
        path.write_text(''.join(json.dumps(one) + '\n' for one in rows))
        return str(path)
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for one in rows:
            text = json.dumps(one['predictions']) if one['predictions'] else None
            writer.writerow(dict(one, predictions=text))
    return str(path)


@pytest.fixture
def windows(tmp_path):
    """Two videos in pieces of 2 s, each second; the last cannot be read."""
    for name in ('v.mp4', 'w.mp4'):
        write_video(tmp_path / name, 100)
    return [
        row('v.mp4', 'a', 0.9, 0.1, (0, 2)),
        row('v.mp4', 'a', 0.7, 0.3, (1, 3)),
        row('v.mp4', None, 0.55, 0.45, (2, 4)),
        row('w.mp4', 'b', 0.8, 0.2, (0, 2)),
        row('gone.mp4', None, 0, 0, error='no such file'),
    ]


@pytest.mark.parametrize('kind', ['jsonl', 'csv'])
def test_label_studio_gets_what_it_would_export(windows, tmp_path, kind):
    """A prediction that is accepted is read again as the same times."""
    labels = write_rows(tmp_path / f'labels.{kind}', windows)
    out = tmp_path / 'tasks.json'
    counts = convert_labels(labels, str(out), 'label-studio', frame_rate=25)
    assert counts == dict(videos=2, unreadable=1)
    tasks = json.loads(out.read_text())
    interface = ElementTree.parse(tmp_path / 'tasks.xml').getroot()
    tags = {tag.get('name'): tag for tag in interface}
    assert tags['video'].attrib == dict(name='video', value='$video', frameRate='25')
    names = {child.get('value') for child in tags['actions']}
    for task in tasks:
        (prediction,) = task['predictions']
        for region in prediction['result']:
            assert region['type'] == tags[region['from_name']].tag.lower()
            assert set(region['value']['timelinelabels']) <= names
            assert region['to_name'] == tags['actions'].get('toName') == 'video'
        task['annotations'] = task.pop('predictions')
    out.write_text(json.dumps(tasks))
    reading = read_label_studio(str(out), ReadingOptions(root=str(tmp_path), rate=25))
    assert [
        (clip.labels, clip.frames.first, clip.frames.last) for clip in reading.clips
    ] == [(('a',), 0, 61), (('b',), 0, 49)]


def test_addresses_lead_to_the_files(tmp_path):
    """Also with signs that mean something in an address; S3 takes plain names."""
    name = 'a b/c & d#1+2 50%.mp4'
    write_video(tmp_path / name, 10)
    labels = write_rows(tmp_path / 'labels.csv', whole([row(name, 'a', 1, 0)] * 5))
    out = tmp_path / 'tasks.json'
    for prefix in ('/data/local-files/?d=', 'https://x.y/videos/', ''):
        convert_labels(labels, str(out), 'label-studio', url_prefix=prefix)
        (task,) = json.loads(out.read_text())
        task['annotations'] = task.pop('predictions')
        out.write_text(json.dumps([task]))
        (clip,) = read_label_studio(str(out), ReadingOptions(root=str(tmp_path))).clips
        assert clip.path == str(tmp_path / name)
    convert_labels(labels, str(out), 'label-studio', url_prefix='s3://bucket/')
    assert json.loads(out.read_text())[0]['data']['video'] == f's3://bucket/{name}'


def test_fiftyone_has_times_also_of_whole_videos(windows, tmp_path):
    out = tmp_path / 'fiftyone.json'
    for rows, ends in ((windows, (2.5, 2)), (whole(windows), (4, 4))):
        labels = write_rows(tmp_path / 'labels.csv', rows)
        convert_labels(labels, str(out), 'fiftyone', root=str(tmp_path))
        content = json.loads(out.read_text())
        paths = [str(tmp_path / name) for name in ('v.mp4', 'w.mp4')]
        assert content['classes'] == ['a', 'b'] and list(content['labels']) == paths
        for path, label, end in zip(paths, 'ab', ends):
            (detection,) = content['labels'][path]
            assert detection['label'] == label
            assert detection['timestamps'] == [0, pytest.approx(end)]


def whole(rows):
    """The first row of each video, without times."""
    kept = [rows[0], rows[3], rows[4]]
    return [{k: v for k, v in r.items() if k not in ('start', 'end')} for r in kept]


def test_whole_videos_are_choices_in_label_studio(windows, tmp_path):
    labels = write_rows(tmp_path / 'labels.jsonl', whole(windows))
    about = dict(settings=dict(classes=['a', 'b', '"c" & d']))
    (tmp_path / 'labels.jsonl.about.json').write_text(json.dumps(about))
    out = tmp_path / 'tasks.json'
    convert_labels(labels, str(out), 'label-studio', url_prefix='/data/?d=')
    task = json.loads(out.read_text())[1]
    assert task['data']['video'] == '/data/?d=w.mp4'
    (region,) = task['predictions'][0]['result']
    assert region['value'] == dict(choices=['b']) and region['type'] == 'choices'
    choices = ElementTree.parse(tmp_path / 'tasks.xml').getroot().iter('Choice')
    assert [one.get('value') for one in choices] == ['a', 'b', '"c" & d']


def test_any_name_comes_back_from_label_studio(tmp_path):
    """Also one with signs that mean something in an address."""
    names = ['a b+c.mp4', 'x&d=y#1.mp4', '100%41.mp4', 'why?.mp4', 'ä/plain.mp4']
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    labels = write_rows(
        tmp_path / 'labels.jsonl', [row(n, 'a', 0.9, 0.1, (0, 2)) for n in names]
    )
    for prefix in ('', '/data/local-files/?d=', 'http://host:8080/videos/'):
        out = tmp_path / 'tasks.json'
        convert_labels(labels, str(out), 'label-studio', url_prefix=prefix)
        tasks = json.loads(out.read_text())
        for task in tasks:
            task['annotations'] = task.pop('predictions')
        out.write_text(json.dumps(tasks))
        reading = read_label_studio(str(out), ReadingOptions(root=str(tmp_path)))
        assert [c.path for c in reading.clips] == [f'{tmp_path}/{n}' for n in names]


def test_the_most_uncertain_come_first(windows, tmp_path):
    """By the piece whose two likeliest classes are nearest to each other."""
    rows = [windows[3], *windows[:3], row('x.mp4', 'a', 0.6, 0.3, (0, 2)), windows[4]]
    for kind in ('jsonl', 'csv'):
        labels = write_rows(tmp_path / f'labels.{kind}', rows)
        out = str(tmp_path / 'next.csv')
        assert convert_labels(labels, out, uncertain=2)['videos'] == 2
        chosen = [(r['path'], r['start'], r['margin']) for r in read_table(out)]
        assert chosen == [('v.mp4', '2', '0.1'), ('x.mp4', '0', '0.3')]
    alone = [dict(one, predictions=one['predictions'][:1]) for one in rows[:2]]
    labels = write_rows(tmp_path / 'labels.jsonl', alone)
    with pytest.raises(ValueError, match='labels.jsonl.*--topk 2'):
        convert_labels(labels, out, uncertain=2)


def test_other_tables_are_refused(tmp_path):
    (tmp_path / 'a.csv').write_text('path,label\nv.mp4,a\n')
    with pytest.raises(ValueError, match="a.csv' row 1 .*'predictions'.*--path-column"):
        convert_labels(str(tmp_path / 'a.csv'), str(tmp_path / 'b.csv'))


def test_other_kinds_are_refused(tmp_path):
    with pytest.raises(ValueError, match="kind 'cvat'.*'label-studio'"):
        convert_labels('gone.csv', str(tmp_path / 'b.json'), 'cvat')


def test_spans_join_windows_of_one_label():
    windows = [(0, 2), (1, 3), (2, 4), (3, 5)]
    spans = spans_of(windows, ['a', 'a', None, 'a'], [0.5, 1, 0.2, 0.3])
    assert spans == [Span('a', 0.75, 0, 2.5), Span('a', 0.3, 3.5, 5)]
    assert spans_of([], [], []) == []
    apart = spans_of([(0, 2), (4, 6)], ['a', 'a'], [1, 1])  # one is missing
    assert [(span.start, span.end) for span in apart] == [(0, 2), (4, 6)]


def test_subtitles(tmp_path):
    names = ['a <b> &\n\nc'] * 2 + [None]
    recognitions = [
        Recognition('v', [(name or 'x', 0.8)], name, segment=(3598.5 + i, 3600.5 + i))
        for i, name in enumerate(names)
    ]
    write_subtitles(str(tmp_path / 'a.srt'), recognitions, 4000)
    time = '00:59:58{0}500 --> 01:00:01{0}000\n'
    text = 'a {}b{} {} c (80 %)\n'
    assert (tmp_path / 'a.srt').read_text() == (
        '1\n' + time.format(',') + text.format('<', '>', '&')
    )
    write_subtitles(str(tmp_path / 'a.vtt'), recognitions, 4000)
    assert (tmp_path / 'a.vtt').read_text() == (
        'WEBVTT\n\n' + time.format('.') + text.format('&lt;', '&gt;', '&amp;')
    )
    whole = [Recognition('v', [('x', 0.5)], 'x')]
    write_subtitles(str(tmp_path / 'b.vtt'), whole, 2.5)
    assert '00:00:00.000 --> 00:00:02.500\nx (50 %)' in (tmp_path / 'b.vtt').read_text()


def test_subtitles_of_several_labels(tmp_path):
    """The same labels in another order are one subtitle, as sure as the least."""
    pairs = [('a', 0.9), ('b', 0.6), ('c', 0.1)]
    orders = [pairs, [pairs[1], ('a', 0.4), pairs[2]]]
    recognitions = [
        Recognition('v', p, p[0][0], segment=(i, i + 2), independent=True, _above=2)
        for i, p in enumerate(orders)
    ]
    write_subtitles(str(tmp_path / 'a.srt'), recognitions, 3)
    expected = '1\n00:00:00,000 --> 00:00:03,000\na, b (50 %)\n'
    assert (tmp_path / 'a.srt').read_text() == expected
