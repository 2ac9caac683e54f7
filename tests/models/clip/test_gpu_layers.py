"""Layers for GPUs: what they give and compute, where torch compiles for a CPU."""

import copy

import pytest
import torch
from mmaction.registry import MODELS
from torch.utils._python_dispatch import TorchDispatchMode

from bike_mmaction.benchmarks.counting import count_operations
from bike_mmaction.compat import torch_version
from bike_mmaction.models.clip import gpu_layers
from bike_mmaction.models.clip.attention import attend
from bike_mmaction.models.clip.gpu_layers import (
    ClassTokenBlock,
    PatchProjection,
    all_tokens,
    use_gpu_layers,
)
from tests.kit import models

pytestmark = pytest.mark.skipif(
    torch_version() < (2, 5), reason='these layers need torch>=2.5'
)
TIMM = dict(
    timm_model_name='vit_tiny_patch16_224',
    timm_model_pretrained=False,
    timm_pool='token',
    timm_proj='linear',
    image_size=224,
)
TOWERS = {  # with patches whose rows need padding, and others
    'CLIP': (models.tiny_arch(patch_size=16), True),
    'CLIP, patches of 14': (models.tiny_arch(patch_size=14, image_size=28), True),
    'scaled layers': (models.tiny_arch(ls_init_value=0.5), True),
    'norm after pooling': (models.tiny_arch(final_ln_after_pool=True), True),
    'recomputed': (models.tiny_arch(), True, dict(with_cp=True)),
    'adapters': (models.tiny_arch(), True, dict(lora=dict(rank=2))),
    'mean of tokens': (models.tiny_arch(pool_type='avg'), False),
    'pooled by attention': (models.tiny_arch(attentional_pool=True), False),
    'merged tokens': (models.tiny_arch(), False, dict(token_merging=1)),
    'timm': (dict(models.tiny_arch(), vision_cfg=TIMM), False),
}


class Operations(TorchDispatchMode):
    """Notes which operations of torch run."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def image_encoder(arch, **options):
    torch.manual_seed(0)
    return MODELS.build(models.image_encoder(arch=arch, **options))


def outputs(run, encoder, images):
    """Embeddings [N, D], and gradients by name."""
    encoder.zero_grad()
    out = run(images)
    torch.manual_seed(1)
    (out * torch.randn_like(out)).sum().backward()
    grads = {n: p.grad for n, p in encoder.named_parameters() if p.requires_grad}
    return dict(grads, out=out.detach())


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize('name', TOWERS)
def test_results_are_those_of_the_libraries(name, monkeypatch):
    arch, gives_class_token, *options = TOWERS[name]
    encoder = image_encoder(arch, **(options[0] if options else {}))
    encoder.train(not encoder.token_merging)  # which is for tests
    for key, weight in encoder.named_parameters():
        if key.endswith('.B'):  # of adapters, which begin with 0
            torch.nn.init.normal_(weight, std=0.1)
    size = arch['vision_cfg']['image_size']
    images = torch.randn(3, 3, size, size)
    expected = outputs(encoder, encoder, images)
    monkeypatch.setattr(gpu_layers, '_on_gpu', lambda x: True)
    with Operations() as ours:
        actual = outputs(encoder, encoder, images)
    compiled = outputs(torch.compile(encoder, backend='eager'), encoder, images)
    torch.testing.assert_close(compiled['out'], actual['out'])
    assert actual.keys() == expected.keys()
    alike = {n: (x - expected[n]).norm() < 1e-5 * x.norm() for n, x in actual.items()}
    assert not [name for name, is_alike in alike.items() if not is_alike]
    assert 'convolution' not in ours.names
    kinds = [type(module) for module in encoder.modules()]
    assert PatchProjection in kinds
    assert kinds.count(ClassTokenBlock) == gives_class_token


def watched(tower, images):
    """What somebody sees of the last block, in different ways."""
    last, seen = tower.transformer.resblocks[-1], []
    for module in (tower.transformer, tower.ln_post, last, last.mlp):
        handle = module.register_forward_hook(lambda m, inputs, out: seen.append(out))
        tower(images)
        handle.remove()
    handle = last.mlp.register_full_backward_hook(
        lambda m, ins, outs: seen.extend(outs)
    )
    tower(images).sum().backward()
    handle.remove()
    seen.append(tower.forward_intermediates(images)['image_intermediates'][-1])
    seen.append(tower.transformer(torch.ones(2, 5, 128)))
    tower.output_tokens = True
    seen.append(tower(images)[1])
    tower.output_tokens = False
    return seen


@pytest.mark.parametrize('compiled', [False, True])
def test_the_last_block_computes_the_class_token_alone(compiled, monkeypatch):
    """But for those who look at the others, also after they are compiled."""
    arch = models.tiny_arch()
    encoder = image_encoder(arch).eval()
    tower, images = encoder.visual, torch.randn(2, 3, 32, 32)

    def operations():
        return count_operations(lambda: encoder(images))

    whole, more = encoder(images), operations()
    expected = watched(tower, images)
    if compiled:
        encoder = image_encoder(arch, compile=dict(backend='eager')).eval()
        encoder.load_state_dict(dict(tower.state_dict(prefix='visual.')))
        tower = encoder.visual
    monkeypatch.setattr(gpu_layers, '_on_gpu', lambda x: True)
    torch.testing.assert_close(encoder(images), whole)
    less = operations()
    # Of 12·D² for each of 5 tokens, keys and values of all, and the rest of one.
    assert more - less == 2 * 2 * 4 * (10 * 128**2 + 2 * 5 * 128)
    with all_tokens(encoder):
        with all_tokens(encoder):
            pass
        assert operations() == more
    assert operations() == less
    torch.testing.assert_close(watched(tower, images), expected)
    assert operations() == less


def test_patches_of_images_that_do_not_fit(monkeypatch):
    """As a convolution leaves out what is beyond the last patch."""
    plain = torch.nn.Conv2d(3, 8, (4, 6), (4, 6))
    images = torch.randn(2, 3, 10, 12)
    projection = copy.deepcopy(plain)
    projection.__class__ = PatchProjection
    monkeypatch.setattr(gpu_layers, '_on_gpu', lambda x: True)
    for size in (10, 8):
        cut = images[:, :, :size]
        torch.testing.assert_close(projection(cut), plain(cut))


def test_attention_gives_what_that_of_torch_gives(monkeypatch):
    """Also with masks, whose bools mean the opposite in torch's function."""
    plain = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    packed = copy.deepcopy(plain)
    use_gpu_layers(packed)
    x, later = torch.randn(3, 5, 8), torch.ones(5, 5, dtype=torch.bool).triu(1)
    monkeypatch.setattr(gpu_layers, '_gains', lambda x: True)
    attended = []
    monkeypatch.setattr(
        gpu_layers, 'attend', lambda *qkv: attended.append(1) or attend(*qkv)
    )
    unlike = [
        options
        for options in (
            dict(need_weights=False),
            dict(need_weights=False, attn_mask=later),
            dict(need_weights=False, attn_mask=later.float() * -9),
            dict(need_weights=False, attn_mask=later.expand(6, 5, 5)),
            dict(need_weights=False, key_padding_mask=later[:3]),
            dict(),
        )
        if not torch.allclose(
            packed(x, x, x, **options)[0], plain(x, x, x, **options)[0], atol=1e-6
        )
    ]
    assert not unlike
    assert attended == [1]  # without masks or weights
