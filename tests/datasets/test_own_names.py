"""Names of classes as people write them, made lines of classes.txt."""

import unicodedata

from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.datasets.own_names import merge_names, readable_name
from bike_mmaction.files import write_lines

NAMES = {
    'playing_chess': 'playing chess',
    'PlayingChess': 'Playing Chess',
    '# 1': 'number 1',  # else a comment, and all later classes would move up
    '#': 'number',
    '#1': '#1',
    '  ': 'no name',
    '__': '__',
    'new\nline': 'new line',
    'by\udcffte': 'by\ufffdte',
    unicodedata.normalize('NFD', 'Café'): 'Café',
    'a "b" \\ c, 😀': 'a "b" \\ c, 😀',
}


def test_each_name_is_a_line_of_its_own(tmp_path):
    names = {label: readable_name(label) for label in NAMES}
    assert names == NAMES
    write_lines(str(tmp_path / 'classes.txt'), names.values())
    assert load_class_names(str(tmp_path / 'classes.txt')) == list(names.values())


def test_forms_of_unicode_are_one_class():
    """A folder copied from a Mac has letters and accents apart."""
    labels = ['café', unicodedata.normalize('NFD', 'Café')]
    names, alike = merge_names(labels, [(1, 2), (1, 2)])
    assert set(names.values()) == {'café'} and not alike
