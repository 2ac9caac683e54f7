"""What does not fit a model is told, five tensors of each kind."""

import pytest
import torch

from bike_mmaction.checkpoint import check_fit


def tensors(*names, width=1):
    return {name: torch.zeros(width) for name in names}


def message(state_dict, own, optional=()):
    with pytest.raises(RuntimeError) as error:
        check_fit(state_dict, own, 'Model', optional)
    first, *lines = str(error.value).splitlines()
    assert first.startswith('the checkpoint does not fit this Model; ')
    return [line.strip() for line in lines]


def test_each_kind():
    own = {**tensors('a'), **tensors('b', width=2), **tensors('neck.c')}
    assert message(tensors('b', 'd'), own) == [
        '1 tensors of another shape:',
        'b: (1,) in the checkpoint, (2,) in the model',
        '2 tensors not in the checkpoint:',
        'a',
        'neck.c',
        '1 tensors not in the model:',
        'd',
    ]


def test_only_five_are_listed():
    lines = message({}, tensors(*'abcdef'))
    assert lines == ['6 tensors not in the checkpoint:', *'abcde', '...']
    assert message({}, tensors(*'abcde'))[-1] == 'e'


def test_optional_ones_may_be_absent_but_have_their_shape():
    optional = ['neck.', 'head.']
    check_fit(tensors('a', 'neck.b'), tensors('a', 'head.c'), 'Model', optional)
    own = tensors('neck.b', width=2)
    assert len(message(tensors('neck.b'), own, optional)) == 2
