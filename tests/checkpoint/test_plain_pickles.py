"""What is loaded of a pickle of data, and what is refused by its name."""

import copyreg
import io
import operator
import os
import pickle
import subprocess
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from bike_mmaction.checkpoint.plain_pickles import load_plain
from tests.kit.line import Line


class Reduced:
    """Unpickling an object of this class calls ``function(*args)``."""

    def __init__(self, function, *args, state=None):
        self.call = (function, args) + (state is not None) * (state,)

    def __reduce__(self):
        return self.call


DATA = dict(
    score=torch.rand(3),
    half=torch.ones(2, dtype=torch.bfloat16),
    array=np.arange(6.0).reshape(2, 3),
    names=np.array(['a', 'ä']),
    number=np.float32(2.5),
    flag=np.bool_(True),
    shape=(224, 224),
    size=torch.Size([2]),
    dtype=[torch.float32, np.dtype('i8')],
    rest=[None, True, 1, 2.5, 'text', b'bytes\xff', {1}, frozenset((2,)), 1j],
    ordered=OrderedDict(a=1),
)
# In a place where a name must be shortened, as protocol 4 does, it is found too.
EVIL = {
    'posix.mkdir': Reduced(os.mkdir, 'made'),
    'subprocess.Popen': Reduced(subprocess.Popen, ('mkdir', 'made')),
    'builtins.eval': Reduced(eval, "__import__('os').mkdir('made')"),
    'builtins.getattr': Reduced(getattr, np.ndarray, 'tofile'),
    '_operator.attrgetter': Reduced(operator.attrgetter('tofile'), np.ones(1)),
    'copyreg.add_extension': Reduced(copyreg.add_extension, 'os', 'system', 1),
    'numpy.load': Reduced(np.load, 'evil.pkl'),
    'torch.load': Reduced(torch.load, 'evil.pkl'),
    'torch.hub.load': Reduced(torch.hub.load, 'a', 'b'),
    'ActionDataSample': ActionDataSample(),
    'tests.kit.line.Line': Line(),
}


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_data_of_any_protocol_and_numpy(protocol):
    content = pickle.dumps([DATA], protocol)
    ours, other = (b'numpy._core', b'numpy.core')[:: 1 if np.__version__ > '2' else -1]
    contents = [content]
    if protocol < 4:  # names have no length before them
        contents.append(content.replace(ours, other))
        assert contents[1] != content
    for content in contents:
        (loaded,) = load_plain(io.BytesIO(content), 'dump.pkl')
        assert list(loaded) == list(DATA)
        for key, expected in DATA.items():
            assert type(loaded[key]) is type(expected), key
            same = (loaded[key] == expected) if key != 'rest' else None
            assert (
                loaded['rest'] == expected
                if same is None
                else np.all(same if isinstance(same, bool) else np.asarray(same))
            ), key


def test_all_else_is_named_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    messages = {}
    for name, thing in EVIL.items():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            content = pickle.dumps([DATA, thing], protocol)
            with pytest.raises(ValueError) as refusal:
                load_plain(io.BytesIO(content), 'evil.pkl')
            messages[name, protocol] = str(refusal.value)
    wrong = {
        key: text
        for key, text in messages.items()
        if not text.startswith("'evil.pkl' holds ") or 'nothing of this' not in text
    }
    assert not wrong
    protocols = [text for (name, _), text in messages.items() if name == 'posix.mkdir']
    assert all("'evil.pkl' holds posix.mkdir," in text for text in protocols)
    assert os.listdir() == []


def test_the_numbers_of_a_tensor_are_no_way_around(tmp_path, monkeypatch):
    """They lie in the pickle as a torch file, which is a pickle again."""
    monkeypatch.chdir(tmp_path)
    inner = io.BytesIO()
    torch.save(Reduced(os.mkdir, 'made'), inner)
    thing = Reduced(torch.storage._load_from_bytes, inner.getvalue())
    with pytest.raises(ValueError, match="evil.pkl' is not a pickle file"):
        load_plain(io.BytesIO(pickle.dumps(thing)), 'evil.pkl')
    # Nor are attributes of what is given to a pickle ours.
    thing = Reduced(torch._utils._rebuild_tensor_v2, state=(None, dict(__code__=1)))
    with pytest.raises(ValueError, match='not a pickle file'):
        load_plain(io.BytesIO(pickle.dumps(thing)), 'evil.pkl')
    assert torch._utils._rebuild_tensor_v2.__code__ != 1
    assert os.listdir() == []
