"""How images are resized, and their size."""

import pytest
from mmengine.dataset import Compose

from bike_mmaction.recipes import set_image_size, use_resize
from tests.kit.checks import collected
from tests.kit.configs import load_config


def config(name='bike_vitl14_k400'):
    return load_config(name)


class TestResize:
    def resizes(self, cfg, split='train'):
        return [
            (t.type, t.scale, t.get('interpolation'))
            for t in cfg[f'{split}_dataloader'].dataset.pipeline
            if t.type.endswith('Resize')
        ]

    def test_shipped_configs_resize_as_the_authors(self):
        cfg = config('bike_vitl14_336_k400')
        assert self.resizes(cfg) == [
            ('AntialiasedResize', (-1, 336), 'bicubic'),
            ('AntialiasedResize', (336, 336), 'bilinear'),
        ]
        assert self.resizes(cfg, 'test') == self.resizes(cfg)[:1]

    def test_models_of_mmaction2_resize_as_it_does(self):
        with collected() as check:
            for name in (
                'vcs_resnet50',
                'vcs_tsm_resnet50',
                'vcs_slowonly_resnet50',
                'bike_slowonly_resnet50_plugplay',
                'vcs_swin3d_tiny',
                'vcs_timesformer',
                'vcs_videomae_vitb16',
            ):
                with check(name):
                    assert self.resizes(config(f'{name}_k400')) == [
                        ('Resize', (-1, 256), 'bilinear'),
                        ('Resize', (224, 224), 'bilinear'),
                    ]

    def test_there_and_back(self):
        cfg = config()
        expected = cfg.to_dict()
        use_resize(cfg, 'mmcv')
        assert self.resizes(cfg, 'val') == [('Resize', (-1, 256), 'bilinear')]
        use_resize(cfg, 'antialiased')
        assert cfg.to_dict() == expected

    def test_unknown(self):
        with pytest.raises(ValueError, match="'pil'.*'mmcv', 'antialiased'"):
            use_resize(config(), 'pil')

    def test_size_of_an_older_config(self, video):
        """As they were dumped: MMAction2's ``Resize`` and ``CenterCrop``."""
        cfg = config()
        use_resize(cfg, 'mmcv')
        for split in ('train', 'val', 'test'):
            for transform in cfg[f'{split}_dataloader'].dataset.pipeline:
                if transform.type == 'RoundedCenterCrop':
                    transform.type = 'CenterCrop'
                transform.pop('interpolation', None)
        set_image_size(cfg, 112, 128)
        for split in ('train', 'test'):
            inputs = Compose(cfg[f'{split}_dataloader'].dataset.pipeline)(
                dict(filename=video, start_index=0, label=0, modality='RGB')
            )['inputs']
            assert inputs.shape == (1, 3, 8, 112, 112)
