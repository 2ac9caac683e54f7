import pytest

from bike_mmaction.datasets.lexicon import load_lexicon


def test_imagenet_names_are_distinct():
    phrases = load_lexicon('imagenet1k')
    assert len(phrases) == len(set(phrases)) == 998
    assert phrases[:2] == ['tench', 'goldfish']


def test_class_list_file_and_list(tmp_path):
    assert len(load_lexicon('kinetics400')) == 400
    path = tmp_path / 'lexicon.txt'
    path.write_text('a ball\ngrass\n')
    assert load_lexicon(str(path)) == load_lexicon(['a ball', 'grass'])


@pytest.mark.parametrize(
    'content,message',
    [
        ('ball\ngrass\nball\n', "number 3 of .* is 'ball' again, as number 1"),
        ('ball\n\ngrass\n', 'number 2 of .* is empty'),
        ('', 'is empty'),
    ],
)
def test_unfit_files(content, message, tmp_path):
    path = tmp_path / 'lexicon.txt'
    path.write_text(content)
    with pytest.raises(ValueError, match=f'lexicon: .*{message}') as error:
        load_lexicon(str(path))
    assert str(path) in str(error.value)


def test_neither_file_nor_built_in():
    with pytest.raises(ValueError, match="lexicon='imagenet'.*imagenet1k"):
        load_lexicon('imagenet')


def test_many_phrases(tmp_path):
    """Reading is linear: comparing all with all would take minutes."""
    path = tmp_path / 'lexicon.txt'
    path.write_text(''.join(f'phrase {i}\n' for i in range(100_000)))
    assert len(load_lexicon(str(path))) == 100_000
