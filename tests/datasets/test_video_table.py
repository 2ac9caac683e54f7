"""What is read of folders, lists and tables; what is written comes back."""

import datetime
import os

import pytest

from bike_mmaction.datasets import tables
from bike_mmaction.datasets.tables import Field, columns_of, read_table, write_table
from bike_mmaction.datasets.video_folders import VideoFolder
from bike_mmaction.datasets.video_table import VideoTable, check_inputs, videos_below


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders(tmp_path):
    """Also behind links, once around a circle; nothing but videos."""
    top, other = tmp_path / 'top', tmp_path / 'other'
    touch(top / 'b.mp4', top / 'a/2.AVI', top / 'a/10.mkv', other / 'c.mp4')
    touch(top / 'a/list.txt', top / '._b.mp4', top / 'folder.mp4/x.mp4')
    os.symlink(other, top / 'link')
    os.symlink(top, other / 'back')
    os.symlink(tmp_path, top / 'a/above')
    names = ['b.mp4', 'a/10.mkv', 'a/2.AVI', 'folder.mp4/x.mp4', 'link/c.mp4']
    assert list(videos_below(str(top))) == [f'{top}/{name}' for name in names]
    assert VideoFolder(str(top)).find(['2.AVI']) == 'a/2.AVI'
    (top / 'empty').mkdir()
    with pytest.raises(ValueError, match='there are no videos in .*empty'):
        VideoTable(top / 'empty')


def test_lists(tmp_path):
    """Spaces belong to paths; numbers after a video file are labels."""
    lines = ['a b.mp4', '', 'c 1.mp4 3 -1', 'my clip 7', 'a b.mp4', 'd.avi 0']
    path = tmp_path / 'list.txt'
    path.write_bytes('\r\n'.join(lines).encode() + b'\ncaf\xe9.mp4')
    table = VideoTable(path)
    assert [(row['path'], row['labels']) for row in table.rows()] == [
        ('a b.mp4', ''),
        ('c 1.mp4', '3 -1'),
        ('my clip 7', ''),
        ('a b.mp4', ''),
        ('d.avi', '0'),
        ('caf\udce9.mp4', ''),
    ]
    assert len(table) == 6 and len(table.paths) == 5
    assert list(table.videos) == [0, 1, 2, 0, 3, 4]
    path.write_text('a.mp4\nb.mp4 0.50 3.00 1\n')
    with pytest.raises(ValueError, match='line 2: .* is a segment of a video'):
        VideoTable(path)


def test_tables_that_are_none(tmp_path, monkeypatch):
    path = tmp_path / 'x.csv'
    wrong = []
    for text, options, message in (
        ('', {}, "x.csv' has no columns"),
        ('file,n\n', {}, "has no column 'path', only file, n (--path-column names"),
        ('paths,n\n', {}, "only paths, n; did you mean 'paths'?"),
        ('path,n,n\n', {}, "has two columns 'n'"),
        ('path\n', {}, 'there are no videos in'),
        ('path,n\na.mp4,1\n\nb.mp4\n', {}, 'line 4: 1 values for 2 columns (path, n)'),
        ('path\na.mp4,1\n', {}, 'line 2: 2 values for 1 columns'),
        ('a b\n', dict(path_column='a'), "has no column 'a', only a b"),
    ):
        path.write_text(text)
        try:
            VideoTable(path, **options)
            wrong.append(f'{text!r} is not refused')
        except ValueError as error:
            if message not in str(error):
                wrong.append(f'{text!r}: {error}')
    assert not wrong, '\n'.join(wrong)
    with pytest.raises(ValueError, match='a table must be alone'):
        check_inputs([str(path), str(tmp_path)])
    monkeypatch.setattr(tables.importlib.util, 'find_spec', lambda name: None)
    touch(tmp_path / 'x.parquet')
    with pytest.raises(ModuleNotFoundError, match=r'needs pyarrow.*\[parquet\]'):
        check_inputs([str(tmp_path / 'x.parquet')])


def test_a_table_that_changes_meanwhile(tmp_path):
    path = tmp_path / 'x.csv'
    path.write_text('path,n\na.mp4,1\nb.mp4,2\n')
    table = VideoTable(path)
    for text in (
        'path,n\na.mp4,1\n',
        'path,n\na.mp4,1\nc.mp4,2\n',
        path.read_text() * 2,
    ):
        path.write_text(text)
        with pytest.raises(RuntimeError, match=r"x.csv' has changed since .* row [23]"):
            list(table.rows())
    path.write_text('path,n\na.mp4,1\nb.mp4,3\n')  # of what is only kept
    assert [row['n'] for row in table.rows()] == ['1', '3']


@pytest.mark.parametrize('kind', ['csv', 'tsv', 'parquet'])
def test_what_is_written_comes_back(kind, tmp_path):
    if kind == 'parquet':
        pytest.importorskip('pyarrow', reason='pyarrow is not installed')
    rows = [dict(a='x,"y"\n\tz', b='é' * i) for i in range(3)]
    path = str(tmp_path / f'x.{kind}')
    fields = [Field('a'), Field('b')]
    with write_table(path, fields) as write:
        write(rows[:2])
        write(rows[2:])
    assert list(read_table(path)) == rows
    assert [field.name for field in columns_of(path)] == ['a', 'b']


def test_any_value_is_written(tmp_path):
    """A name that is no UTF-8, a date of a Parquet table."""
    row = dict(a='caf\udce9', b=[dict(c=datetime.date(2020, 1, 2))], d=None)
    fields = [Field(name) for name in row]
    for kind, expected in (
        ('jsonl', b'{"a": "caf\\udce9", "b": [{"c": "2020-01-02"}], "d": null}\n'),
        ('csv', b'a,b,d\ncaf\xe9,"[{""c"": ""2020-01-02""}]",\n'),
    ):
        with write_table(str(tmp_path / f'x.{kind}'), fields) as write:
            write([row])
        assert (tmp_path / f'x.{kind}').read_bytes() == expected
