"""What pickled files may hold."""

import argparse
import os
import pickle
from collections import OrderedDict
from functools import partial

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from safetensors.torch import save_file

from bike_mmaction.checkpoint import load_from_local, read_pickle
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
    names = {os.mkdir: 'posix.mkdir', eval: 'builtins.eval'}
    expected = (
        f"'evil.pth': it holds {names.get(function, '')}.*nothing of it was loaded"
    )
    for write in WRITERS:
        write(dict(state_dict=Reduced(function, *args)), 'evil.pth')
        with pytest.raises(RuntimeError, match=expected) as refusal:
            read_pickle('evil.pth')
        assert 'weights_only' not in str(refusal.value)
    assert os.listdir() == ['evil.pth']


def write_bare(content, path):
    with open(path, 'wb') as file:
        pickle.dump(content, file, protocol=2)


WRITERS = (
    torch.save,
    partial(torch.save, _use_new_zipfile_serialization=False),
    write_bare,
)


def test_damage_is_told_in_a_line_without_advice_to_trust(tmp_path):
    whole, path = tmp_path / 'whole', str(tmp_path / 'a.pth')
    history = HistoryBuffer([1.0], [1])
    torch.save(dict(state_dict=dict(a=torch.ones(9)), message_hub=history), whole)
    content = whole.read_bytes()
    contents = [content[:300], content[:-40], b'', b'text', b'<html>', b'\0' * 999]
    for part in contents:
        (tmp_path / 'a.pth').write_bytes(part)
        with pytest.raises(RuntimeError) as refusal:
            read_pickle(path)
        message = str(refusal.value)
        assert f"'{path}': it is damaged, or no checkpoint (" in message
        assert 'weights_only' not in message and '\n' not in message
    path = path.replace('.pth', '.safetensors')
    save_file(dict(a=torch.ones(9)), path)
    for count in (5, 20, -10):
        content = open(path, 'rb').read()[:count]
        open(path, 'wb').write(content)
        with pytest.raises(RuntimeError, match=f"'{path}': it is damaged"):
            load_from_local(path)
    with pytest.raises(IsADirectoryError, match='is a folder, expected a file'):
        load_from_local(str(tmp_path))


@RESTRICTED
def test_other_types_are_named_and_can_be_allowed(tmp_path, monkeypatch):
    path = str(tmp_path / 'a.pth')
    torch.save(dict(state_dict={}, meta=argparse.Namespace(x=1)), path)
    with pytest.raises(RuntimeError, match='holds argparse.Namespace, and'):
        read_pickle(path)
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')  # torch's switch
    assert read_pickle(path)['meta'].x == 1
