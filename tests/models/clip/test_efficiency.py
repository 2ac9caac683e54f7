"""Patch dropout, weights of few digits, and compiled towers."""

import copy

import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.compat import torch_version
from bike_mmaction.models.clip.efficiency import compile_tower
from bike_mmaction.models.frame_encoder import tower_settings
from tests.kit import models

ARCH = models.tiny_arch(patch_size=4)  # 64 patches


def image_encoder(**kwargs):
    torch.manual_seed(0)
    return MODELS.build(models.image_encoder(**dict(dict(arch=ARCH), **kwargs)))


def test_patch_dropout_leaves_out_others_of_each_frame():
    encoder, plain = image_encoder(patch_dropout=0.75), image_encoder()
    seen = []
    encoder.visual.ln_pre.register_forward_hook(lambda _, x, y: seen.append(x[0]))
    clip = torch.randn(1, 3, 1, 32, 32).expand(-1, -1, 4, -1, -1)  # one frame, 4 times
    encoder.train()(clip)
    assert seen[0].shape[:2] == (4, 17)  # class token and a quarter of 64
    all_tokens = plain.visual._embeds  # of the same weights, before the norm
    kept = []
    with torch.no_grad():
        plain.visual.ln_pre = torch.nn.Identity()
        tokens = all_tokens(clip[0, :, :1].transpose(0, 1))[0]
    for frame in seen[0]:
        same = (frame[1:, None] - tokens).abs().amax(-1) < 1e-4
        assert same.any(1).all()
        kept.append(tuple(same.any(0).nonzero().flatten().tolist()))
    assert len(set(kept)) == 4
    with torch.no_grad():
        assert torch.equal(encoder.eval()(clip), image_encoder().eval()(clip))


def test_low_precision(tmp_path):
    """Half the memory and file; loads float32; the head gets float32."""
    plain = image_encoder().eval()
    encoder = image_encoder(frozen=True, dtype='bfloat16')
    encoder.load_state_dict(plain.state_dict())
    clip = torch.randn(2, 3, 3, 32, 32)
    with torch.no_grad():
        actual, expected = encoder(clip), plain(clip)
    assert actual.dtype == torch.float32
    cosines = torch.cosine_similarity(actual, expected, dim=-1)
    assert cosines.min() > 0.999 and (actual - expected).abs().max() > 1e-4
    kinds = {name: value.dtype for name, value in encoder.state_dict().items()}
    low = [name for name, kind in kinds.items() if kind == torch.bfloat16]
    assert 'visual.transformer.resblocks.0.attn.in_proj_weight' in low
    assert kinds['visual.transformer.resblocks.0.ln_1.weight'] == torch.float32
    sizes = [
        sum(v.numel() * v.element_size() for v in e.state_dict().values())
        for e in (encoder, plain)
    ]
    assert sizes[0] < 0.6 * sizes[1]
    again = image_encoder()  # what was saved, in float32
    saved = torch.load(models.write_checkpoint(encoder, tmp_path / 'x.pth'))
    again.load_state_dict(saved['state_dict'])
    weight = again.visual.conv1.weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, plain.visual.conv1.weight.bfloat16().float())


@pytest.mark.skipif(
    not hasattr(torch.nn.Module, 'compile'), reason='compile needs torch>=2.2'
)
def test_compiled_with_the_same_names_and_results():
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    arch = models.tiny_arch(patch_size=4, layers=4)
    options = dict(arch=arch, patch_dropout=0.5)
    encoder = image_encoder(compile=dict(backend=backend), **options)
    plain = image_encoder(**options)
    assert list(encoder.state_dict()) == list(plain.state_dict())
    clip = torch.randn(2, 3, 2, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(encoder.eval()(clip), plain.eval()(clip))
    # Blocks, the last of another form, patches, and the norm before.
    of_parts = 4 if torch_version() >= (2, 5) else 1
    assert len(graphs) == of_parts
    grads = []
    for one in (encoder, plain):
        torch.manual_seed(1)
        one.train()(clip).square().sum().backward()
        grads.append(one.visual.conv1.weight.grad)
    torch.testing.assert_close(*grads)
    assert len(graphs) == 2 * of_parts
    copied = copy.deepcopy(encoder).eval()  # has weights of its own
    with torch.no_grad():
        copied.visual.conv1.weight.zero_()
        assert (copied(clip) - encoder.eval()(clip)).abs().max() > 1e-3


@pytest.mark.skipif(
    not hasattr(torch.nn.Module, 'compile'), reason='compile needs torch>=2.2'
)
def test_blocks_that_differ_are_compiled_together():
    """Each would be compiled anew, the last of many not at all."""

    def tower(*shares):
        blocks = [
            torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(share))
            for share in shares
        ]
        return torch.nn.ModuleDict(dict(blocks=torch.nn.ModuleList(blocks)))

    different = tower(0.0, 0.1, 0.2)
    assert compile_tower(different, {}) == [different]
    is_once = getattr(torch._dynamo.config, 'inline_inbuilt_nn_modules', False)
    assert len(compile_tower(tower(0.1, 0.1), {})) == (2 if is_once else 1)


def test_kept_embeddings_tell_of_merging():
    """Those of a tower that merges are not taken for those of one that does not."""
    settings = [
        tower_settings(image_encoder(token_merging=n), torch.nn.Identity())
        for n in (0, 4)
    ]
    assert 'token_merging' not in settings[0]  # as in older files
    assert settings[1].pop('token_merging') == 4 and settings[0] == settings[1]


REFUSED = {
    "patch_dropout=0.5: the image tower of arch='RN50' has no": dict(
        arch='RN50', patch_dropout=0.5
    ),
    "patch_dropout=0.5: the image tower of arch='convnext_base' has no": dict(
        arch='convnext_base', patch_dropout=0.5
    ),
    "compile='max' must be True, or options of torch": dict(compile='max'),
    'patch_dropout=1.0 must be at least 0 and below 1': dict(patch_dropout=1.0),
    'patch_dropout=0.5 is for training, but frozen=True': dict(
        patch_dropout=0.5, frozen=True
    ),
    "dtype='bfloat16' is for a tower that does not train": dict(dtype='bfloat16'),
    "dtype='int8' must be one of ['bfloat16', 'float16']": dict(
        dtype='int8', frozen=True
    ),
}


def test_refused_by_name():
    wrong = {}
    for expected, options in REFUSED.items():
        with pytest.raises(ValueError) as caught:
            image_encoder(**options)
        if expected not in str(caught.value):
            wrong[expected] = str(caught.value)
    assert not wrong
