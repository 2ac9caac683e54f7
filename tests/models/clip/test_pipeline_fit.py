"""Which pipelines are told not to fit the weights, and which are not."""

import copy

import pytest
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from bike_mmaction.models.clip.pipeline_fit import misfits, refuse_misfits
from tests.kit.checks import collected

CLIP = ('ViT-B-32-quickgelu', 'openai')  # bicubic, shortest
SIGLIP = ('ViT-B-16-SigLIP', 'webli')  # bicubic, squash
CLIPA = ('ViT-L-14-CLIPA', 'datacomp1b')  # bilinear, squash
OF_CLIP = dict(mean=[122.771, 116.746, 104.094], std=[68.501, 66.632, 70.323])
ROUNDED = dict(mean=[122.77, 116.75, 104.09], std=[68.5, 66.63, 70.32])
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
HALF = dict(mean=[127.5] * 3, std=[127.5] * 3)
SHORT = dict(type='AntialiasedResize', scale=(-1, 256))
SQUASH = dict(type='AntialiasedResize', scale=(224, 224), keep_ratio=False)
BILINEAR = dict(interpolation='bilinear')
CENTER = dict(type='RoundedCenterCrop', crop_size=224)
FLIP, RANDOM = dict(type='Flip'), dict(type='RandomResizedCrop')
GRAY = dict(type='TransformBroadcaster', transforms=[dict(type='RandomGrayscale')])
NORMALIZE = dict(type='Normalize', **IMAGENET)


class OthersTransform(BaseTransform):
    """Somebody else's, which may do anything."""

    def transform(self, results):
        return results


def told(weights, colors, steps, split='test'):
    """What is said of the transforms between decoding and packing."""
    arch, pretrained = weights
    pipeline = [
        dict(type='VideoInit'),
        dict(type='SparseSampleFrames', clip_len=8),
        dict(type='VideoDecode'),
        *copy.deepcopy(steps),
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs'),
    ]
    preprocessor = dict(type='ActionDataPreprocessor', **colors)
    backbone = dict(type='CLIPImageEncoder', arch=arch, pretrained=pretrained)
    cfg = {
        'model': dict(backbone=backbone, data_preprocessor=preprocessor),
        f'{split}_dataloader': dict(dataset=dict(dataset=dict(pipeline=pipeline))),
    }
    return misfits(cfg, [split])


@pytest.fixture
def foreign():
    """The name of a transform of somebody else, for a while."""
    TRANSFORMS.register_module(module=OthersTransform)
    yield dict(type='OthersTransform')
    TRANSFORMS.module_dict.pop('OthersTransform')


def test_what_fits_is_not_told(foreign):
    silent = {
        'as BIKE': (CLIP, OF_CLIP, [SHORT, CENTER]),
        'rounded': (CLIP, ROUNDED, [SHORT, CENTER]),
        'as OpenAI': (CLIP, OF_CLIP, [dict(SHORT, scale=(-1, 224)), CENTER]),
        'crops': (CLIP, OF_CLIP, [SHORT, dict(CENTER, type='SpacedThreeCrop')]),
        'resized on the disk': (CLIP, OF_CLIP, [CENTER]),
        'resized after a crop': (CLIP, OF_CLIP, [SHORT, CENTER, SQUASH]),
        'squash': (SIGLIP, HALF, [SQUASH]),
        'larger squash': (SIGLIP, HALF, [dict(SQUASH, scale=(256, 256)), CENTER]),
        'bilinear': (CLIPA, IMAGENET, [dict(SQUASH, **BILINEAR), CENTER]),
        'two normalisations': (CLIP, IMAGENET, [SHORT, CENTER, NORMALIZE]),
        "others' transform": (SIGLIP, HALF, [SHORT, foreign, CENTER]),
        'an opaque one': (SIGLIP, HALF, [dict(type='ImgAug', transforms='x'), CENTER]),
        'hidden resize': (
            SIGLIP,
            HALF,
            [dict(type='RandomApply', transforms=[SHORT]), SHORT, CENTER],
        ),
        'normalised by others': (CLIP, {}, [SHORT, CENTER, foreign]),
    }
    trained = {
        'as BIKE': (CLIP, OF_CLIP, [SHORT, RANDOM, dict(SQUASH, **BILINEAR), GRAY]),
        'squash': (SIGLIP, HALF, [SHORT, RANDOM, SQUASH, FLIP]),
        'crop alone': (CLIP, OF_CLIP, [SHORT, dict(type='RandomCrop', size=224)]),
    }
    with collected() as check:
        for name, case in silent.items():
            with check(name):
                assert told(*case) == ''
        for name, case in trained.items():
            with check(f'training, {name}'):
                assert told(*case, split='train') == ''


def test_each_misfit_is_named(foreign):
    resize = dict(type='Resize', scale=(-1, 256))
    large = dict(CENTER, crop_size=256)
    cases = {
        'mean': (CLIP, IMAGENET, [SHORT, CENTER], 'preprocessor.mean=[123.675, 116.28'),
        'std': (CLIP, dict(OF_CLIP, std=[1] * 3), [SHORT], 'std=[1, 1, 1], but they'),
        'swapped': (CLIP, dict(OF_CLIP, to_rgb=True), [SHORT], 'swaps red and blue'),
        'none': (CLIP, {}, [SHORT, CENTER], 'data_preprocessor has no mean and std'),
        'by others': (CLIP, IMAGENET, [foreign], 'data_preprocessor.mean='),
        'Normalize': (CLIP, {}, [SHORT, NORMALIZE, CENTER], 'Normalize.mean=[123.675'),
        'Resize': (CLIP, OF_CLIP, [resize, CENTER], "MMAction2's Resize has no anti"),
        'interpolation': (CLIP, OF_CLIP, [dict(SHORT, **BILINEAR)], "want 'bicubic'"),
        'squashed': (CLIP, OF_CLIP, [SQUASH], 'squashes images (keep_ratio=False)'),
        'not squashed': (SIGLIP, HALF, [SHORT, CENTER], 'squashed to 224x224'),
        'size': (CLIP, OF_CLIP, [SHORT, large], '256x256 pixels, but they want 224x'),
    }
    trained = {
        'Resize': (CLIP, OF_CLIP, [SHORT, RANDOM, dict(SQUASH, type='Resize')], 'anti'),
        'size': (CLIP, OF_CLIP, [RANDOM, dict(SQUASH, scale=(96, 96))], '96x96 pixels'),
        'bilinear': (CLIP, OF_CLIP, [dict(SHORT, **BILINEAR), RANDOM], "'bicubic'"),
    }
    with collected() as check:
        for split, group in (('test', cases), ('train', trained)):
            for name, (weights, colors, steps, words) in group.items():
                with check(f'{split}, {name}'):
                    text = told(weights, colors, steps, split)
                    assert words in text and text.count(';') <= 1
                    assert f"`use_clip(_base_, '{weights[0]}', '{weights[1]}')`" in text
                    assert '\n' not in text


def test_nothing_is_claimed_of_other_backbones_or_weights():
    resize = [dict(type='Resize', scale=(-1, 256)), CENTER]
    assert told((CLIP[0], None), HALF, resize) == ''
    assert told((CLIP[0], '/nowhere/clip.pt'), HALF, resize) == ''
    model = dict(backbone=dict(type='ResNet', arch=CLIP[0], pretrained=CLIP[1]))
    refuse_misfits(model, resize)
    refuse_misfits(None, resize)
