"""Attribute files and the transform that loads them."""

import json
import os

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose

from bike_mmaction.datasets.attribute_file import (
    AttributeFile,
    key_parts,
    load_attribute_file,
    write_attribute_file,
)
from tests.kit.checks import collected

PHRASES = ['rock', 'rope', 'snow', 'cliff', 'helmet']


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


@pytest.fixture
def released(tmp_path):
    """The authors' layout."""
    content = {
        'abseiling/-7kbO0v4hag_000107_000117': PHRASES,
        'abseiling/x.y_1': PHRASES[1:],
        'zumba/a': ['gym', 'dance', 'music'],
    }
    return write(
        tmp_path / 'released.json',
        {k: dict(classname_topk=v) for k, v in content.items()},
    )


PATHS = [
    'abseiling/-7kbO0v4hag_000107_000117',
    'abseiling/-7kbO0v4hag_000107_000117.mp4',
    'data/kinetics400/videos_val/abseiling/-7kbO0v4hag_000107_000117.MP4',
    './abseiling//-7kbO0v4hag_000107_000117.webm',
    '-7kbO0v4hag_000107_000117.mp4',
]


UNFIT_FILES = [
    ('{"a": ', 'is not JSON'),
    ('abseiling/x 5', 'is not JSON'),
    ('{"a/v": {"classname_topk": ["b"]}} 1', 'line 1 is not JSON: Extra data'),
    ('{"a/v": {"classname_topk": ["b"]}\n "c"}', 'line 2 is not JSON: expected'),
    (
        '{"v": {"classname_topk": ["b"]},\n "v": {"classname_topk": ["c"]}}',
        'line 2: .*1',
    ),
    ('{\n"v": {"classname_topk": ["b"], "classname_topk": []}}', 'line 2: the key'),
    ('{"v": ' + '[' * 99999, 'line 1 .*nested too deeply'),
    ([1], 'got a list'),
    ({}, 'lists no videos'),
    ({'__header__': dict(classname_topk=[])}, 'lists no videos'),
    ({'a/v': ['rock']}, "expected 'a/v'.*classname_topk"),
    ({'a/v': dict(classname_topk='rock')}, "expected 'a/v'"),
    ({'a/v': dict(classname_topk=['rock', ''])}, "expected 'a/v'"),
    ({'a/v': dict(classname_topk=[3])}, "expected 'a/v'"),
]


class TestFile:
    def test_with_or_without_prefix_and_extension(self, released):
        with collected() as check:
            for path in PATHS:
                with check(path):
                    assert AttributeFile(released).find(path) == tuple(PHRASES)

    def test_a_dot_is_no_extension(self, released):
        file = AttributeFile(released)
        assert file.find('abseiling/x.y_1') == tuple(PHRASES[1:])
        assert file.find('abseiling/x.mp4') is None
        assert key_parts('a/v.1.mp4') == ('a', 'v.1')

    def test_folders_must_agree(self, released):
        assert AttributeFile(released).find('zumba/x.y_1.mp4') is None
        assert AttributeFile(released).find('other/zumba/a.mp4') is not None

    def test_keys_with_a_prefix(self, tmp_path):
        path = write(
            tmp_path / 'a.json', {'videos/zumba/a.mp4': dict(classname_topk=['gym'])}
        )
        assert AttributeFile(path).find('zumba/a') == ('gym',)

    def test_longest_key_counts(self, tmp_path):
        path = write(
            tmp_path / 'a.json',
            {
                'a.mp4': dict(classname_topk=['short']),
                'zumba/a.mp4': dict(classname_topk=['long']),
            },
        )
        assert AttributeFile(path).find('data/zumba/a.mp4') == ('long',)
        assert AttributeFile(path).find('data/abseiling/a.mp4') == ('short',)

    def test_two_keys_that_fit_alike(self, tmp_path):
        path = write(
            tmp_path / 'a.json',
            {
                'train/a.mp4': dict(classname_topk=['one']),
                'val/a.mp4': dict(classname_topk=['two']),
            },
        )
        with pytest.raises(ValueError, match='train/a.mp4.*val/a.mp4'):
            AttributeFile(path).find('a.mp4')

    def test_written_and_read(self, tmp_path):
        path = str(tmp_path / 'new' / 'a.json')
        write_attribute_file(
            path,
            dict(topk=2),
            {'zumba/ä.mp4': dict(classname_topk=['gym'], scores=[0.3])},
        )
        file = AttributeFile(path)
        assert file.header == dict(topk=2) and len(file) == 1
        assert file.find('zumba/ä') == ('gym',)
        with open(path) as plain:  # as a reader of the plain layout does
            for key, value in json.load(plain).items():
                assert all(isinstance(p, str) for p in value['classname_topk']), key

    def test_unfit_files_are_named(self, tmp_path):
        with collected() as check:
            for number, (content, message) in enumerate(UNFIT_FILES):
                case = tmp_path / str(number)
                case.mkdir()
                with check((content, message)):
                    path = write(case / 'a.json', content)
                    with pytest.raises(ValueError, match=message) as error:
                        AttributeFile(path)
                    assert path in str(error.value)

    @pytest.mark.parametrize('header', [[], None, 'x'])
    def test_header_that_is_none(self, header, tmp_path):
        path = write(
            tmp_path / 'a.json',
            {'__header__': header, 'a/v': dict(classname_topk=['rock'])},
        )
        with pytest.raises(ValueError, match="a.json.*'__header__' is a"):
            AttributeFile(path)

    def test_read_again_when_it_changes(self, tmp_path):
        path = write(tmp_path / 'a.json', {'v': dict(classname_topk=['a'])})
        first = load_attribute_file(path)
        assert load_attribute_file(path) is first
        write(tmp_path / 'a.json', {'v': dict(classname_topk=['b'])})
        os.utime(path, ns=(0, 0))
        assert load_attribute_file(path).find('v') == ('b',)

    def test_other_encoding(self, tmp_path):
        path = tmp_path / 'a.json'
        path.write_bytes('{"a": {"classname_topk": ["ß"]}}'.encode('latin-1'))
        with pytest.raises(ValueError, match='a.json. line 1 is not UTF-8'):
            AttributeFile(str(path))

    def test_missing_file(self):
        with pytest.raises(
            FileNotFoundError, match="'nowhere.json'.*bike generate-attributes"
        ):
            AttributeFile('nowhere.json')


def load(path, **kwargs):
    return TRANSFORMS.build(dict(type='LoadAttributes', ann_file=path, **kwargs))


class TestTransform:
    def test_nearest_phrases(self, released):
        results = load(released, topk=3)(dict(filename='v/zumba/a.mp4'))
        assert results['attributes'] == ['gym', 'dance', 'music']
        key = dict(frame_dir='abseiling/-7kbO0v4hag_000107_000117')
        assert load(released, topk=2)(key)['attributes'] == PHRASES[:2]

    def test_all_phrases(self, released):
        results = load(released, topk=None)(dict(frame_dir='abseiling/x.y_1'))
        assert results['attributes'] == PHRASES[1:]

    def test_shuffling(self, released):
        np.random.seed(0)
        transform = load(released, topk=3, shuffle=True)
        orders = {
            tuple(transform(dict(filename='zumba/a.mp4'))['attributes'])
            for _ in range(100)
        }
        assert len(orders) == 6 and all(len(set(o)) == 3 for o in orders)

    def test_dropping(self, released):
        np.random.seed(0)
        transform = load(released, topk=3, drop_prob=0.5)
        counts = [
            len(transform(dict(filename='zumba/a.mp4'))['attributes'])
            for _ in range(600)
        ]
        assert set(counts) == {1, 2, 3}  # one always stays
        # One stays for sure, each of the two others half of the times.
        assert np.mean(counts) == pytest.approx(2, abs=0.15)
        kept = transform(dict(filename='zumba/a.mp4'))['attributes']
        assert kept == [p for p in ('gym', 'dance', 'music') if p in kept]

    def test_off_by_default(self, released):
        transform = load(released, topk=3)
        results = [
            transform(dict(filename='zumba/a.mp4'))['attributes'] for _ in range(20)
        ]
        assert all(f == ['gym', 'dance', 'music'] for f in results)

    def test_unknown_video_names_both_files(self, released):
        with pytest.raises(RuntimeError) as error:
            # In a pipeline, where the video itself need not exist.
            Compose([load(released, topk=3)])(dict(filename='ucf/v.avi'))
        for text in ("'ucf/v.avi'", released, 'another data set', 'abseiling'):
            assert text in str(error.value)

    def test_two_keys_that_fit_alike(self, tmp_path):
        path = write(
            tmp_path / 'a.json',
            {
                'train/a.mp4': dict(classname_topk=['one']),
                'val/a.mp4': dict(classname_topk=['two']),
            },
        )
        with pytest.raises(RuntimeError, match='train/a.mp4.*val/a.mp4'):
            Compose([load(path, topk=1)])(dict(filename='a.mp4'))

    def test_unknown_video_is_skipped_on_demand(self, released):
        results = load(released, topk=3, missing='skip')(dict(filename='ucf/v.avi'))
        assert results['attributes'] == []

    def test_empty_list(self, tmp_path):
        path = write(
            tmp_path / 'a.json',
            {'a/v': dict(classname_topk=[]), 'a/w': dict(classname_topk=['rock'])},
        )
        with pytest.raises(ValueError, match="'a/v' has 0 attributes"):
            load(path, topk=1)
        with pytest.raises(ValueError, match="'a/v' has 0 attributes"):
            load(path, topk=None)
        transform = load(path, topk=1, missing='skip')
        assert transform(dict(filename='a/v.mp4'))['attributes'] == []
        assert transform(dict(filename='a/w.mp4'))['attributes'] == ['rock']

    @pytest.mark.parametrize('missing', ['error', 'skip'])
    def test_fewer_than_topk(self, released, missing):
        with pytest.raises(
            ValueError, match="'zumba/a' has 3 attributes, expected at least 4"
        ):
            load(released, topk=4, missing=missing)

    @pytest.mark.parametrize(
        'kwargs', [dict(topk=0), dict(missing='ignore'), dict(drop_prob=1.0)]
    )
    def test_unfit_options(self, released, kwargs):
        with pytest.raises(ValueError, match=f'{list(kwargs)[0]}='):
            load(released, **kwargs)
