"""Modules that share weights, and results that calls share."""

import copy
import gc
import pickle
import threading
import time

import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.models.sharing import Recent, Unregistered, variant
from bike_mmaction.models.text_head import with_classes
from tests.kit.models import both_branches, vcs_head


def test_variant_leaves_the_original_alone():
    norm = torch.nn.BatchNorm1d(3).eval()
    block = torch.nn.Sequential(norm, torch.nn.Linear(3, 3))
    other = variant(block, training=True)
    setattr(other, '1', torch.nn.Identity())
    assert block[1] is not other[1] and block[0] is other[0]
    shifted = variant(norm, running_mean=torch.ones(3), name='other')
    x = torch.randn(2, 3)
    torch.testing.assert_close(shifted(x), norm(x - 1))
    assert not norm.running_mean.any() and not hasattr(norm, 'name')
    torch.nn.init.constant_(norm.weight, 3)  # in place, as a checkpoint does
    torch.testing.assert_close(shifted(x), norm(x - 1))


def test_an_unregistered_module_is_no_part():
    inner, outer = torch.nn.Linear(2, 2), torch.nn.Linear(3, 3)
    outer.held = Unregistered(inner)
    outer.double().requires_grad_(False).eval()
    assert outer.held.module is inner and list(outer.children()) == []
    assert inner.weight.dtype == torch.float32 and inner.weight.requires_grad
    assert inner.training and set(outer.state_dict()) == {'weight', 'bias'}


def test_a_copied_model_shares_nothing_with_the_original():
    """Its heads share the copy's text encoder, not that of the original."""
    model = MODELS.build(both_branches(['a', 'b']))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        encoder = other.attributes_head.text_encoder
        assert encoder is other.cls_head.text_encoder
        assert encoder is not model.cls_head.text_encoder
        state = other.state_dict()
        del state['cls_head.logit_scale']
        with pytest.raises(RuntimeError, match='cls_head.logit_scale'):
            other.load_state_dict(state)


def test_a_variant_outlives_its_original(tmp_path):
    """Also copied, and with weights loaded into it."""
    model = MODELS.build(both_branches(['a', 'b']))
    state, other = model.state_dict(), with_classes(model, ['c', 'd', 'e'])
    del model
    gc.collect()
    other.load_state_dict(state)
    assert copy.deepcopy(other).cls_head.class_names == ['c', 'd', 'e']


def test_parts_can_be_replaced():
    """An attributes head that shared a text encoder gets one of its own."""
    model = MODELS.build(both_branches(['a', 'b']))
    own = copy.deepcopy(model.cls_head.text_encoder)
    model.attributes_head.text_encoder = own
    assert model.attributes_head.text_encoder is own
    assert model.cls_head.text_encoder is not own
    model.association = None
    assert model.association is None


def test_recent_forgets_what_was_made_of_other_weights():
    weight = torch.nn.Linear(3, 3)
    recent, made = Recent(2), []

    def get():
        return recent.get('key', lambda: made.append(1) or len(made), weight.bias)

    assert [get(), get()] == [1, 1]
    weight.half().float()  # which rounds
    assert [get(), get()] == [2, 2]
    weight.bias.data.add_(1)  # told by other means: clear()
    assert get() == 2


def test_recent_keeps_what_was_used_last():
    recent, made = Recent(2), []

    def get(key):
        return recent.get(key, lambda: made.append(key) or key.upper())

    assert [get(key) for key in 'abacab'] == list('ABACAB')
    assert made == list('abcb')  # b had to go for c
    assert len(recent) == 2


def test_recent_forgets_what_was_made_before_it_was_cleared():
    """By another thread, which has begun before and ends after."""
    recent, begun = Recent(2), threading.Event()

    def make_slowly():
        begun.set()
        time.sleep(0.05)
        return 'old'

    thread = threading.Thread(target=recent.get, args=('key', make_slowly))
    thread.start()
    begun.wait()
    recent.clear()
    assert recent.get('key', lambda: 'new') == 'new'
    thread.join()
    assert recent.get('key', lambda: 'other') == 'new'


def test_threads_wait_for_what_one_of_them_makes():
    recent, made = Recent(2), []

    def work():
        recent.get('key', lambda: time.sleep(0.05) or made.append(1))

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_models_are_copied_and_pickled_without_what_they_keep():
    """As averages of the weights are, and spawned processes."""
    head = MODELS.build(vcs_head(['a', 'b'])).eval()
    frames = torch.randn(1, 4, 64)
    expected = head(frames)
    for other in (copy.deepcopy(head), pickle.loads(pickle.dumps(head))):
        assert len(other.text_encoder.memory) == 0
        torch.testing.assert_close(other(frames), expected)
        torch.nn.init.normal_(other.text_encoder.text.text_projection)
        other.text_encoder.clear_cache()
        assert not torch.allclose(other(frames), expected)
    torch.testing.assert_close(head(frames), expected)
