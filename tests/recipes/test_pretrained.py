"""Another image-text model: all that follows from its weights.

In every shipped config: tests/configs/test_configs.py.
"""

import json
import math

import numpy as np
import open_clip
import pytest
from mmengine.config import Config

from bike_mmaction.apis.inference.sources import Source, SourceReader
from bike_mmaction.datasets.pipeline_access import SPLITS
from bike_mmaction.models.clip.architectures import get_arch
from bike_mmaction.models.clip.pipeline_fit import misfits
from bike_mmaction.models.temporal import TemporalTransformer
from bike_mmaction.recipes import set_views, use_clip, use_pretrained
from tests.kit.checks import collected
from tests.kit.configs import load_config
from tests.kit.models import TINY_ARCH

SIGLIP = ('ViT-SO400M-14-SigLIP', 'webli')


def test_what_a_run_dumps_needs_nothing_of_the_recipe():
    cfg = load_config('bike_siglip_vitb16_k400')
    assert 'recipes' not in cfg.pretty_text
    dumped = Config.fromstring(cfg.pretty_text, '.py')
    assert dumped.to_dict() == cfg.to_dict()


def test_attributes_and_their_association():
    cfg = load_config('bike_vitl14_attributes_k400')  # which the same CLIP finds
    use_clip(cfg, *SIGLIP)
    assert cfg.model.association == dict(arch=SIGLIP[0], pretrained=SIGLIP[1])
    assert cfg.model.cls_head.loss_cls.type == 'ContrastiveLoss'
    with pytest.raises(ValueError, match='independent=True is for a model whose cls'):
        use_clip(cfg, *SIGLIP, independent=True)
    cfg = load_config('bike_vitb16_attributes_k400')
    use_clip(cfg, *SIGLIP)
    assert cfg.model.association.arch == 'ViT-L-14-quickgelu'


def test_checkpoint_of_another_architecture_is_left_out():
    cfg = load_config('bike_vitl14_16f_ucf101_split1')
    begin, arch = cfg.load_from, cfg.model.backbone.arch
    use_clip(cfg, arch, 'metaclip_400m')
    assert begin and cfg.load_from == begin
    with pytest.warns(UserWarning, match=f"load_from='{begin}' is of another arch"):
        use_clip(cfg, *SIGLIP)
    assert cfg.load_from is None


def test_loss_can_be_chosen():
    cfg = load_config('bike_vitb32_k400')
    losses = []
    for arch, tag, independent in (
        (*SIGLIP, None),
        (*SIGLIP, False),
        ('ViT-B-32-quickgelu', 'openai', None),
        ('ViT-B-32-quickgelu', 'openai', True),
    ):
        use_clip(cfg, arch, tag, independent=independent)
        losses.append(cfg.model.cls_head.loss_cls.type)
    assert losses == ['SigmoidLoss', *['ContrastiveLoss'] * 2, 'SigmoidLoss']
    with pytest.warns(UserWarning, match='loss_cls stays SigmoidLoss.*independent='):
        use_clip(cfg, 'ViT-B-32-quickgelu', 'openai')


def test_every_width_has_heads():
    """As many as the authors' where those fit: width of the text tower / 64."""
    cfg = load_config('bike_vitb32_k400')
    with collected() as check:
        for arch in open_clip.list_models():
            config = get_arch(arch)
            with check(arch):
                use_clip(cfg, config, 'clip.pt')
                neck = cfg.model.neck
                assert neck.embed_dims == config['embed_dim']
                assert neck.embed_dims % neck.num_heads == 0
                text = config['text_cfg'].get('width')
                if text and config['embed_dim'] == text and text % 64 == 0:
                    assert neck.num_heads == text // 64
    small = dict(TINY_ARCH, embed_dim=40)
    use_clip(cfg, small, 'clip.pt')
    TemporalTransformer(**{k: v for k, v in cfg.model.neck.items() if k != 'type'})


def shapes(cfg, views=None):
    if views:
        set_views(cfg, views)
    black = np.zeros((20, 48, 90, 3), dtype=np.uint8)
    return SourceReader(cfg.test_pipeline)(Source('array', black))['inputs'].shape


def test_sides_and_views():
    """BIKE's protocol is at hand; crops of what is squashed are refused."""
    cfg = load_config('bike_vitb32_k400')
    use_clip(cfg, 'ViT-B-16-SigLIP', 'webli', short_side=256)
    assert shapes(cfg, '2x3') == (6, 3, 8, 224, 224) and not misfits(cfg, SPLITS)
    use_clip(cfg, 'ViT-B-16-SigLIP', 'webli')
    assert shapes(cfg) == (2, 3, 8, 224, 224)
    with pytest.raises(ValueError, match="'4x3d': all crops .* 224x224 .*'4x1d'"):
        set_views(cfg, '4x3d')
    use_clip(cfg, 'PE-Core-L-14-336', 'meta')
    with pytest.raises(ValueError, match='336x336 .* short_side=384') as cure:
        set_views(cfg, '4x3')
    use_clip(cfg, 'PE-Core-L-14-336', 'meta', short_side=int(str(cure.value)[-4:-1]))
    set_views(cfg, '4x3')
    use_clip(cfg, 'ViT-B-32-quickgelu', 'openai', short_side=240)
    assert shapes(cfg, '1x3') == (3, 3, 8, 224, 224)
    resize = [t for t in cfg.test_pipeline if t.type.endswith('Resize')]
    assert [t.scale for t in resize] == [(-1, 240)] and 'keep_ratio' not in resize[0]
    with pytest.raises(ValueError, match='short_side=200 is less than .* 224'):
        use_clip(cfg, 'ViT-B-32-quickgelu', 'openai', short_side=200)


def test_training_crops_and_crops_that_were_left_out():
    """Pipelines of others: MMAction2's resize, random crops, no middle crop."""
    cfg = load_config('bike_demo')
    cfg.model.data_preprocessor.to_rgb = True
    for split in ('val', 'test'):
        pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
        pipeline[:] = [t for t in pipeline if not t.type.endswith('CenterCrop')]
    for step in cfg.train_dataloader.dataset.pipeline:
        step.type = 'Resize' if step.type == 'AntialiasedResize' else step.type
    use_clip(cfg, 'ViT-B-32-quickgelu', 'openai')
    assert not misfits(cfg, SPLITS)
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    assert shapes(cfg) == (1, 3, 8, 224, 224)
    train = {t.type: t for t in cfg.train_dataloader.dataset.pipeline}
    assert train['RandomCrop'].size == 224
    assert train['AntialiasedResize'].scale == (-1, 256)


def test_what_cannot_be_is_refused():
    cfg = load_config('bike_vitb32_k400')
    cases = [
        (('ViT-B-16-SigLIP',), "name the weights of arch='ViT-B-16-SigLIP'.*webli"),
        (('ViT-B-16-SigLIP', 'webly'), "'webly' is no file and no tag.*'webli'"),
        (('ViT-B-17', 'webli'), "'ViT-B-17' is not a model of open_clip"),
        (('ViT-B/16', 'openai'), r"Similar names: \['ViT-B-16'"),
        (('vit-b-16', 'openai'), r"Similar names: \['ViT-B-16'"),
        ((None, 'openai'), 'arch=None: expected a name or a dict'),
        (('ViT-B-16', 'openai'), "Use the arch with '-quickgelu' in its name"),
    ]
    with collected() as check:
        for arguments, words in cases:
            with (
                check(arguments),
                pytest.raises((RuntimeError, ValueError), match=words),
            ):
                use_clip(cfg, *arguments)
    cfg = load_config('bike_timm_vit_small_k400')
    cfg.model.cls_head.text_encoder = None
    with pytest.raises(ValueError, match='no tower of CLIP'):
        use_clip(cfg, *SIGLIP)


def test_bare_files_leave_what_is_not_known(tmp_path):
    cfg = load_config('bike_siglip_vitb16_k400')
    (tmp_path / 'bare.bin').write_bytes(b'PK')
    before = cfg.model.data_preprocessor.to_dict()
    with pytest.warns(UserWarning, match='nothing tells what images .*bare.bin'):
        use_clip(cfg, 'ViT-L-14-336-quickgelu', tmp_path / 'bare.bin')
    assert cfg.model.backbone.pretrained == str(tmp_path / 'bare.bin')
    assert cfg.model.data_preprocessor.to_dict() == before
    assert shapes(cfg) == (1, 3, 8, 336, 336)


def test_other_weights_bring_their_images(tmp_path):
    """What --pretrained does; nothing changes where the images fit already."""
    cfg = load_config('bike_vitb32_k400')
    before = cfg.to_dict()
    use_pretrained(cfg, 'metaclip_400m')
    after = cfg.to_dict()
    assert after.pop('test_dataloader') == before.pop('test_dataloader')
    told = dict(preprocess_cfg=dict(std=[0.5] * 3, resize_mode='squash'))
    (tmp_path / 'open_clip_config.json').write_text(json.dumps(told))
    (tmp_path / 'mine.pt').write_bytes(b'PK')
    use_pretrained(cfg, str(tmp_path / 'mine.pt'))
    assert cfg.model.data_preprocessor.std == [127.5] * 3
    assert math.isclose(cfg.model.data_preprocessor.mean[0], 122.771)
    assert misfits(cfg, SPLITS) == '' and shapes(cfg) == (1, 3, 8, 224, 224)
