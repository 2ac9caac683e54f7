import hashlib
import json
import os.path as osp

import pytest

from bike_mmaction.datasets.class_names import BUILT_IN, load_class_names
from tests.kit import ROOT
from tests.kit.checks import collected

with open(osp.join(ROOT, 'tests', 'golden', 'class_names_sha.json')) as file:
    GOLDEN = json.load(file)


def test_all_lists_of_the_published_numbers_are_built_in():
    assert sorted(BUILT_IN) == sorted(GOLDEN)


def test_built_in_lists_are_those_of_the_published_numbers():
    with collected() as check:
        for name in BUILT_IN:
            with check(name):
                names = load_class_names(name)
                assert len(names) == GOLDEN[name]['count']
                digests = [hashlib.sha1(n.encode()).hexdigest()[:8] for n in names]
                assert digests == GOLDEN[name]['per_line_sha1_8']
                assert (
                    hashlib.sha256('\n'.join(names).encode()).hexdigest()
                    == GOLDEN[name]['sha256']
                )


FILES = [
    'tai chi\nplaying squash, or racquetball\n',
    'id,name\n0,tai chi\n1,"playing squash, or racquetball"\n',
    'id;name\n0;tai chi\n1;playing squash, or racquetball\n',
    '\ufeff"ID"; Name\n0;"tai chi"\n\n1;playing squash, or racquetball\n',
    'id\tname\n0\ttai chi\n1\tplaying squash, or racquetball\n',
    '\ufeff# ours\r\n tai chi \r\nplaying squash, or racquetball\r\n\r\n \r\n',
]


def test_files(tmp_path):
    with collected() as check:
        for number, content in enumerate(FILES):
            case = tmp_path / str(number)
            case.mkdir()
            with check(content):
                path = case / 'names'
                path.write_bytes(content.encode())
                assert load_class_names(str(path)) == [
                    'tai chi',
                    'playing squash, or racquetball',
                ]


UNFIT_FILES = [
    ('running\n\nwalking\n', "number 2 of '{}', line 2, is empty"),
    ('', "'{}' is empty"),
    (
        '# of 2\nrunning\nwalking\nrunning\n',
        "number 3 of '{}', line 4, is 'running' again, as number 1",
    ),
    ('0,running\n1,walking\n', "header 'id,name'"),
    ('0;running\n1;walking\n', "header 'id,name'"),
    ('id;name\n0;running;fast\n', "line 2: expected '0;<class name>'"),
    ('id;name\n0,running\n', "line 2: expected '0;<class name>'"),
    ('id,name\n0,running\n2,walking\n', "line 3: expected '1,"),
    ('id,name\n0,playing, outside\n', "line 2: expected '0,"),
]


def test_unfit_files_are_named(tmp_path):
    with collected() as check:
        for number, (content, message) in enumerate(UNFIT_FILES):
            case = tmp_path / str(number)
            case.mkdir()
            with check((content, message)):
                path = case / 'names.csv'
                path.write_text(content)
                with pytest.raises(ValueError) as error:
                    load_class_names(str(path))
                message = message.replace('{}', str(path))
                assert message in str(error.value) and str(path) in str(error.value)


def test_byte_order_mark_is_no_text(tmp_path):
    path = tmp_path / 'names.csv'
    path.write_text('id,name\n0,running\n', encoding='utf-8-sig')
    assert load_class_names(str(path)) == ['running']


def test_other_encoding_is_named(tmp_path):
    path = tmp_path / 'names.txt'
    path.write_bytes('fußball\n'.encode('latin-1'))
    with pytest.raises(ValueError, match='names.txt.*UTF-8'):
        load_class_names(str(path))


def test_neither_file_nor_built_in():
    with pytest.raises(ValueError, match="'kinetics40'.*kinetics400"):
        load_class_names('kinetics40')
