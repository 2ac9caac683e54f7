"""Class names as people type them."""

import time

import pytest

from bike_mmaction.datasets.class_names import BUILT_IN, load_class_names
from bike_mmaction.datasets.typed_names import join_names, read_classes, split_names
from tests.kit.checks import collected

TYPED = [
    ("'playing, loudly',b", ['playing, loudly', 'b']),
    ('b , "playing, loudly"', ['b', 'playing, loudly']),
    ('"say ""hi"", loudly",b', ['say "hi", loudly', 'b']),
    ('“playing, loudly”, b', ['playing, loudly', 'b']),
    ('"one, alone"', ['one, alone']),
    ("rock 'n' roll, b", ["rock 'n' roll", 'b']),
    ("'rock 'n' roll, loudly', b", ["rock 'n' roll, loudly", 'b']),
    ("'n' roll,singin', kids' play", ["'n' roll", "singin'", "kids' play"]),
    ('5" nails, "Heroes" by Bowie', ['5" nails', '"Heroes" by Bowie']),
    ('a; b;', ['a', 'b']),
    ('playing, loudly; b', ['playing, loudly', 'b']),
    ('a\r\nplaying, loudly\r\n', ['a', 'playing, loudly']),
    ('a,\nb,c,\nd', ['a', 'b', 'c', 'd']),
    ('"a, b"\nc, d', ['a, b', 'c', 'd']),
    ('"a;b", c\n', ['a;b', 'c']),
    (' a, , b, ', ['a', 'b']),
]


def test_names():
    with collected() as check:
        for text, expected in TYPED:
            with check((text, expected)):
                assert split_names(text) == expected
                assert read_classes(text) == expected
                assert split_names(join_names(expected)) == expected


UNFIT = [
    ('', 'at least one'),
    (' ;,\n', 'at least one'),
    ('a, "b, c', "'b, c' is not closed"),
    ("a, 'a'", 'more than once: a'),
]


def test_unfit_text():
    with collected() as check:
        for text, message in UNFIT:
            with check((text, message)):
                for read in (split_names, read_classes):
                    with pytest.raises(ValueError, match=message):
                        read(text)


def test_lists_are_shown_as_they_are():
    """One name with commas, or a quote, needs quotes for all."""
    with collected() as check:
        for source in BUILT_IN:
            with check(source):
                names = load_class_names(source)
                assert split_names(join_names(names)) == names
                assert split_names(join_names(['a dog, a cat'])) == ['a dog, a cat']
                assert join_names([]) == ''


def test_quotes_make_a_name_of_what_looks_like_a_file():
    assert read_classes('lists/absent') == 'lists/absent'
    assert read_classes("'push/pull'") == ['push/pull']


def test_long_texts_take_no_time():
    start = time.monotonic()
    names = [f'name {number}' for number in range(5000)]
    assert split_names(', '.join(names)) == names
    with pytest.raises(ValueError, match='more than once'):
        split_names(",'a" * 16000)  # quotes that nobody closes
    assert time.monotonic() - start < 4
