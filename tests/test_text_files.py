"""One way to read text, whoever has written it."""

import warnings

import pytest

from bike_mmaction.text_files import OFFICIAL, PATHS, read_json, read_lines, read_rows
from tests.kit.text_fuzz import KINDS, fuzz, misread


def test_what_editors_make_of_a_text_is_the_same_text(tmp_path):
    wrong = [line for kind in KINDS for line in misread(kind, tmp_path)]
    assert not wrong


def test_damaged_texts_are_read_or_refused_by_file_and_line(tmp_path):
    """A larger run of the same is tests/stress/fuzz_texts.py."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of lines that are repeated
        wrong = [case for kind in KINDS for case in fuzz(kind, tmp_path, 60, seed=0)]
    assert not wrong


def test_lines_and_their_places(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_bytes('\ufeff# a\n\n x\u2028y \r\n#1 z\rä\n#\n\n \n'.encode())
    numbered = [(3, 'x\u2028y'), (4, '#1 z'), (5, 'ä')]
    assert list(read_lines(str(path))) == numbered
    assert list(read_lines(str(path), blanks=True)) == [(2, ''), *numbered]
    path.write_bytes('a\nfußball\n'.encode('latin-1'))
    with pytest.raises(ValueError, match="list.txt' line 2 is not UTF-8 text"):
        list(read_lines(str(path)))
    assert list(read_lines(str(path), errors=OFFICIAL))[1] == (2, 'fu\ufffdball')
    assert list(read_lines(str(path), errors=PATHS))[1] == (2, 'fu\udcdfball')


def test_keys_and_cells(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('{"c": {"ä": 1},\n"a": {"b": "ä",\n "ä": 2,\n "\\u00e4": 3}}')
    with pytest.raises(ValueError, match="a.json' line 4: the key 'ä' is there again"):
        read_json(str(path))
    path.write_text('id,name\n1,"' + 'x' * 200_000 + '"\n')
    with pytest.raises(ValueError, match="a.json' line 2: field larger than"):
        list(read_rows(str(path), ('id',)))
