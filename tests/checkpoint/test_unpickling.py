"""What pickled files may hold."""

import argparse
import os
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from bike_mmaction.checkpoint import read_pickle
from bike_mmaction.compat import torch_version

RESTRICTED = pytest.mark.skipif(
    torch_version() < (2, 6), reason='older torch unpickles without restriction'
)


class Reduced:
    """Unpickling an object of this class calls ``function(*args)``."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('dtype', ['f2', 'f4', 'f8', 'i8', 'u1', 'b1'])
def test_numpy(tmp_path, dtype):
    array = np.array([[0, 1]], dtype)
    path = str(tmp_path / 'numpy.pth')
    torch.save(dict(array=array, scalar=array[0, 1]), path)
    loaded = read_pickle(path)
    assert loaded['array'].dtype == array.dtype
    assert (loaded['array'] == array).all()
    assert loaded['scalar'] == 1


@RESTRICTED
@pytest.mark.parametrize(
    'function, args',
    [
        (os.mkdir, ('made',)),
        (eval, ("__import__('os').mkdir('made')",)),
        (getattr, (OrderedDict, 'fromkeys')),
        (getattr, (HistoryBuffer, '__init__')),
    ],
)
def test_code_is_refused(tmp_path, monkeypatch, function, args):
    monkeypatch.chdir(tmp_path)
    torch.save(dict(state_dict=Reduced(function, *args)), 'evil.pth')
    with pytest.raises(RuntimeError, match=r'cannot read .*evil\.pth'):
        read_pickle('evil.pth')
    assert os.listdir() == ['evil.pth']


@RESTRICTED
def test_other_types_are_named_and_can_be_allowed(tmp_path, monkeypatch):
    path = str(tmp_path / 'a.pth')
    torch.save(dict(state_dict={}, meta=argparse.Namespace(x=1)), path)
    with pytest.raises(RuntimeError, match='holds a argparse.Namespace'):
        read_pickle(path)
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')  # torch's switch
    assert read_pickle(path)['meta'].x == 1
