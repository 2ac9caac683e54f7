"""Attributes for videos that come without."""

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from bike_mmaction.models.association import ATTRIBUTES_CLIP, association_model
from tests.kit.models import CLASSES, TINY_ARCH, both_branches, video_branch, write_clip


def build(**association):
    """Both branches, the attributes branch plugged in."""
    config = both_branches(CLASSES, dict(mlp=False), association=association)
    return MODELS.build(config).eval()


def build_of_three(folder, topk=2):
    """It associates phrases of a lexicon of three."""
    clip = write_clip(folder / 'clip.pt')
    return build(lexicon=['sea', 'wave', 'sun'], topk=topk, pretrained=clip)


def samples(*attributes):
    """A sample for each; with None for attributes, it has not even a list."""
    batch = [ActionDataSample() for _ in attributes]
    for sample, phrases in zip(batch, attributes):
        if phrases is not None:
            sample.set_field(list(phrases), 'attributes')
    return batch


def videos(batch=3, views=2):
    return torch.randn(batch, views, 3, 8, 32, 32)


def test_attributes_are_found_where_there_are_none(tmp_path):
    model = build_of_three(tmp_path)
    batch = samples(None, [], ['sand'])
    predicted = model(videos(), batch, mode='predict')
    assert predicted[2].attributes == ['sand']
    for sample in predicted[:2]:
        assert len(sample.attributes) == 2
        assert set(sample.attributes) < {'sea', 'wave', 'sun'}
        assert 'attributes_score' in sample


def test_they_are_those_of_the_original_clip(tmp_path):
    """Not of the backbone, which may have been fine-tuned."""
    model, inputs = build_of_three(tmp_path, topk=3), videos()
    first = model(inputs, samples(None, None, None), mode='predict')
    torch.nn.init.normal_(model.backbone.visual.proj)
    second = model(inputs, samples(None, None, None), mode='predict')
    assert [s.attributes for s in first] == [s.attributes for s in second]
    recognizer = model.association.recognizer
    scores = recognizer(inputs, mode='tensor', stage='head')
    order = scores.view(3, 2, 3).mean(1).argsort(descending=True)
    names = ['sea', 'wave', 'sun']
    assert [s.attributes for s in first] == [[names[i] for i in row] for row in order]


def test_lexicon_is_embedded_once(tmp_path):
    model, calls = build_of_three(tmp_path), []
    encoder = model.association.recognizer.cls_head.text_encoder
    encoder.text.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(3):
        model(videos(), samples(None, None, None), mode='predict')
    assert len(calls) == 1


def test_weights_are_read_where_no_video_needs_them(tmp_path):
    """Reading may wait for other ranks, whose videos may need them."""
    model, calls = build_of_three(tmp_path), []
    read = model.association.recognizer.init_weights
    model.association.recognizer.init_weights = lambda: calls.append(read())
    for _ in range(2):
        model(videos(), samples(['a'], ['b'], ['c']), mode='predict')
    assert len(calls) == 1


def test_its_clip_is_not_saved(tmp_path):
    assert set(build_of_three(tmp_path).state_dict()) == set(
        MODELS.build(video_branch(CLASSES)).state_dict()
    )


def test_clip_without_weights():
    with pytest.raises(ValueError, match='backbone.pretrained'):
        build(lexicon=['sea', 'wave'], topk=1)


def test_another_clip(tmp_path):
    """Such as the larger one that made the attribute files."""
    arch = dict(TINY_ARCH, embed_dim=32)
    path = write_clip(tmp_path / 'other.pt', arch)
    model = build(lexicon=['sea', 'wave'], topk=1, arch=arch, pretrained=path)
    (sample,) = model(videos(1), samples(None), mode='predict')
    assert model.backbone.embed_dims == 64
    assert model.association.recognizer.backbone.embed_dims == 32
    assert sample.attributes[0] in ('sea', 'wave')


@pytest.mark.parametrize(
    'model,message',
    [
        (
            dict(backbone=dict(arch='ViT-L-14-336-quickgelu')),
            "arch='ViT-L-14-quickgelu' takes images of 224 pixels.*have 336",
        ),
        (
            dict(data_preprocessor=dict(mean=[127.5] * 3)),
            'images with other mean than data_preprocessor.mean=.127.5',
        ),
    ],
)
def test_another_clip_for_other_images(model, message):
    model = dict(
        backbone=dict(
            type='CLIPImageEncoder', **model.get('backbone', dict(arch='ViT-B-32'))
        ),
        data_preprocessor=model.get('data_preprocessor'),
    )
    with pytest.raises(ValueError, match=message):
        association_model(model, ['sea'], **ATTRIBUTES_CLIP)


def test_nothing_to_look_for():
    """The options only say which CLIP would look."""
    assert build(**ATTRIBUTES_CLIP).association is None
    with pytest.raises(ValueError, match='association.topk.*lexicon'):
        build(topk=3, **ATTRIBUTES_CLIP)


def test_more_than_the_lexicon(tmp_path):
    with pytest.raises(ValueError, match='topk=4.*3 phrases'):
        build_of_three(tmp_path, topk=4)
