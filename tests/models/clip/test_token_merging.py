"""Token merging against a slow version of what the paper writes."""

import pytest
import timm
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS

from bike_mmaction.models.clip.merging_towers import add_token_merging
from tests.kit import models
from tests.kit.exports import needs_torch

ARCH = models.tiny_arch(patch_size=4, layers=3)  # 64 patches


def image_encoder(**kwargs):
    torch.manual_seed(0)
    return MODELS.build(models.image_encoder(arch=ARCH, **kwargs)).eval()


def attend_to_patches(block, tokens, sizes):
    """Attention of a token to each patch, and the keys; all of one image."""
    attn, heads = block.attn, block.attn.num_heads
    x = block.ln_1(tokens)
    q, k, v = F.linear(x, attn.in_proj_weight, attn.in_proj_bias).chunk(3, dim=-1)
    keys = torch.stack(k.chunk(heads, dim=-1)).mean(0)
    k, v = (part.repeat_interleave(sizes, dim=0) for part in (k, v))
    outs = []
    for one_q, one_k, one_v in zip(*(x.chunk(heads, dim=-1) for x in (q, k, v))):
        logits = one_q @ one_k.T / one_q.shape[-1] ** 0.5
        outs.append(logits.softmax(-1) @ one_v)
    return attn.out_proj(torch.cat(outs, dim=-1)), keys


def merged_by_hand(tokens, patches, keys, count):
    """One image; ``patches`` are lists of what each token is the mean of."""
    alike = F.cosine_similarity(keys[:, None], keys[None], dim=-1)
    edges = []
    for i in range(1, len(tokens), 2):  # behind the class token
        j = max(range(2, len(tokens), 2), key=lambda j: alike[i, j])
        edges.append((float(alike[i, j]), i, j))
    members = {i: [i] for i in range(len(tokens))}
    for _, i, j in sorted(edges, reverse=True)[:count]:
        members[j] += members.pop(i)
    # The first set before the second one, the most alike first.
    ranks = {i: edge for edge, i, _ in edges}
    order = sorted(members, key=lambda i: (i % 2 == 0, -ranks.get(i, 0), i))
    order = [0, *(i for i in order if i)]
    means, parts = [], []
    for i in order:
        sizes = torch.tensor([len(patches[m]) for m in members[i]])
        own = tokens[members[i]] * sizes[:, None]
        means.append(own.sum(0) / sizes.sum())
        parts.append([p for m in members[i] for p in patches[m]])
    return torch.stack(means), parts


@torch.no_grad()
def tokens_by_hand(visual, image, count):
    """Behind the last block, of each patch; and how many patches share one."""
    tokens = visual._embeds(image[None])[0]
    patches = [[i] for i in range(len(tokens))]
    for block in visual.transformer.resblocks:
        sizes = torch.tensor([len(part) for part in patches])
        added, keys = attend_to_patches(block, tokens, sizes)
        tokens, patches = merged_by_hand(tokens + added, patches, keys, count)
        tokens = tokens + block.mlp(block.ln_2(tokens))
    places = {p: token for token, part in enumerate(patches) for p in part}
    return tokens[[places[p] for p in range(len(places))]], max(map(len, patches))


def test_as_the_paper_says():
    encoder = image_encoder(token_merging=20)
    lengths = []
    for block in encoder.visual.transformer.resblocks:
        block.mlp.register_forward_hook(lambda _, x, y: lengths.append(y.shape[1]))
    images, visual = torch.randn(3, 3, 32, 32), encoder.visual
    with torch.no_grad():
        tokens, merged = visual.transformer(visual._embeds(images)), encoder(images)
    assert lengths[:3] == [45, 25, 13]  # 65 less 20, then half of 24
    for image, actual in zip(images, tokens):
        expected, largest = tokens_by_hand(visual, image, 20)
        torch.testing.assert_close(actual, expected, atol=2e-5, rtol=0)
        assert largest > 3  # merged again and again
    expected = visual.ln_post(tokens[:, 0]) @ visual.proj
    torch.testing.assert_close(merged, expected)


def timm_tower(name):
    torch.manual_seed(0)
    small = dict(depth=3, embed_dim=64, num_heads=2, img_size=64, init_values=None)
    tower = timm.create_model(name, num_classes=0, **small).eval()
    with torch.no_grad():  # blocks of timm add little at first
        for weight in tower.blocks.parameters():
            weight.mul_(5)
    return tower


TOWERS = dict(
    class_token=(lambda: image_encoder().visual, 'positional_embedding', 4),
    # a token for the class and registers, a mean of the patches
    registers=(lambda: timm_tower('vit_medium_patch16_reg4_gap_256'), 'pos_embed', 16),
    # neither, but attention with a query of its own
    attention=(lambda: timm_tower('vit_base_patch16_siglip_224'), 'pos_embed', 16),
)


@pytest.mark.parametrize('name', TOWERS)
def test_equal_patches_are_merged_without_loss(name):
    """Whatever pools them; and each patch gets its own token back."""
    make, positions, size = TOWERS[name]
    tower, side = make(), 32 if size == 4 else 64
    patch = torch.randn(2, 3, size, size).repeat(1, 1, side // size, side // size)
    other = torch.randn(2, 3, side, side)
    with torch.no_grad():
        getattr(tower, positions).zero_()
        whole, unequal = tower(patch), tower(other)
        names = list(tower.state_dict())
        add_token_merging(tower, 5)
        torch.testing.assert_close(tower(patch), whole, atol=1e-5, rtol=0)
        assert (tower(other) - unequal).abs().max() > 1e-4
    assert list(tower.state_dict()) == names


def test_training_merges_nothing():
    clip = torch.randn(2, 3, 2, 32, 32)
    encoder = image_encoder(token_merging=20, with_cp=True).train()
    torch.testing.assert_close(encoder(clip), image_encoder().train()(clip))


def test_checkpointing_of_timm_does_not_pass_it_by():
    arch = dict(
        models.TINY_ARCH, vision_cfg=dict(timm_model_name='vit_tiny_patch16_224')
    )
    images = torch.randn(1, 3, 224, 224)
    outs = []
    for options in (dict(), dict(with_cp=True), dict(with_cp=True, token_merging=0)):
        torch.manual_seed(0)
        config = dict(
            dict(type='CLIPImageEncoder', arch=arch, token_merging=8), **options
        )
        encoder = MODELS.build(config).train().eval()
        with torch.no_grad():
            outs.append(encoder(images))
    torch.testing.assert_close(outs[0], outs[1])
    assert (outs[0] - outs[2]).abs().max() > 1e-4
    assert encoder.train().visual.trunk.grad_checkpointing


@needs_torch
def test_can_be_exported():
    """For any number of images; also where the tower is compiled."""
    small = models.tiny_arch(patch_size=8)
    options = dict(token_merging=3, compile=dict(backend='eager'))
    encoder = MODELS.build(models.image_encoder(arch=small, **options)).eval()
    images, dim = torch.randn(3, 3, 32, 32), torch.export.Dim('batch')
    with torch.no_grad():
        program = torch.export.export(
            encoder, (images[:2],), dynamic_shapes=dict(x={0: dim}), strict=False
        )
        torch.testing.assert_close(program.module()(images), encoder(images))


def test_refused_by_name():
    messages = []
    for options in (dict(arch='RN50'), dict(arch='EVA02-B-16'), dict(arch=ARCH)):
        count = -1 if options['arch'] is ARCH else 4
        with pytest.raises(ValueError) as caught:
            MODELS.build(models.image_encoder(token_merging=count, **options))
        messages.append(str(caught.value))
    resnet, eva, negative = messages
    assert 'token_merging=4' in resnet and 'ModifiedResNet' in resnet
    assert 'rotary' in eva and 'Eva' in eva
    assert 'token_merging=-1 must be positive' in negative
