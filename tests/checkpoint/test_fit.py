"""What does not fit a model is told, five tensors of each kind."""

import pytest
import torch

from bike_mmaction.checkpoint import check_fit
from bike_mmaction.checkpoint.fit import check_complete


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


def test_a_model_that_changes_what_it_loads():
    """As those of MMPreTrain, which resize their embeddings of positions."""

    def resize(state_dict, prefix, *args):
        state_dict[f'{prefix}weight'] = state_dict[f'{prefix}weight'][:2]

    model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    wide = torch.nn.Sequential(torch.nn.Linear(3, 4)).state_dict()
    wide['0.bias'] = wide['0.bias'][:2]
    with pytest.raises(RuntimeError, match=r'0.weight: \(4, 3\) in the checkpoint'):
        check_complete(model, wide, 'a.pth')
    model[0]._register_load_state_dict_pre_hook(resize)
    check_complete(model, dict(state_dict=wide), 'a.pth')
    assert wide['0.weight'].shape == (4, 3)
    del wide['0.bias']
    with pytest.raises(RuntimeError, match='1 tensors not in the checkpoint'):
        check_complete(model, wide, 'a.pth')
