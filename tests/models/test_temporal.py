import pytest
import torch

from bike_mmaction.models import TemporalTransformer


def build(**kwargs):
    return TemporalTransformer(
        **{**dict(embed_dims=64, num_heads=2, num_layers=2), **kwargs}
    )


def test_shape_and_no_auxiliary_loss():
    actual, losses = build()(torch.randn(2, 8, 64))
    assert actual.shape == (2, 8, 64) and losses == {}


def test_without_layers_only_positions_and_skip_remain():
    model, x = build(num_layers=0), torch.randn(2, 8, 64)
    actual, _ = model(x)
    torch.testing.assert_close(
        actual, 2 * x + model.frame_position_embeddings.weight[:8]
    )


def test_clips_do_not_see_each_other():
    model, x = build().eval(), torch.randn(2, 8, 64)
    torch.testing.assert_close(model(x)[0][1], model(x[1:])[0][0])


def test_frames_see_each_other_and_their_order():
    model, x = build().eval(), torch.randn(1, 8, 64)
    changed = x.clone()
    changed[:, 7] = 0
    assert not torch.allclose(model(changed)[0][:, 0], model(x)[0][:, 0])
    assert not torch.allclose(model(x.flip(1))[0].flip(1), model(x)[0])


def test_layer_norms_are_those_released():
    norms = [m for m in build().modules() if isinstance(m, torch.nn.LayerNorm)]
    assert len(norms) == 4 and all(m.eps == 1e-12 for m in norms)


def test_more_frames_than_positions():
    with pytest.raises(ValueError, match='8 frames.*max_frames=4'):
        build(max_frames=4)(torch.randn(1, 8, 64))


@pytest.mark.parametrize('num_heads', [0, 3])
def test_width_that_heads_cannot_share(num_heads):
    with pytest.raises(ValueError, match=f'embed_dims=64.*={num_heads}'):
        build(num_heads=num_heads)
