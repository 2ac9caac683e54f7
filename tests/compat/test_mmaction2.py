"""Without a remedy, its tests here fail."""

import sys
import types

import cv2
import mmaction.utils.dependency as mmaction_dependency
import mmpretrain.utils.dependency as mmpretrain_dependency
import numpy as np
import pytest
import torch
from mmaction.datasets.transforms import ColorJitter
from mmaction.registry import DATASETS, METRICS, MODELS
from mmaction.structures import ActionDataSample

from bike_mmaction.compat import mmaction2, mmpretrain


class TestMissingLocalizer:
    NAMES = ('mmaction.models.localizers.drn', 'mmaction.models.localizers.drn.drn')

    @pytest.fixture(autouse=True)
    def forget(self, monkeypatch):
        for name in self.NAMES:
            monkeypatch.delitem(sys.modules, name, raising=False)
        yield
        for name in self.NAMES:  # else delitem's undo would not see it
            sys.modules.pop(name, None)

    @pytest.mark.parametrize('present', [True, False])
    def test_stand_in_only_where_absent(self, monkeypatch, tmp_path, present):
        folder = tmp_path if present else tmp_path / 'absent'
        monkeypatch.setattr(mmaction2, '_folder_of_drn', lambda: str(folder))
        assert bool(mmaction2.add_missing_localizer()) is present
        assert all((name in sys.modules) is not present for name in self.NAMES)


@pytest.mark.parametrize(
    'remedy, dependency',
    [
        (mmaction2.leave_out_multimodal_models, mmaction_dependency),
        (mmpretrain.leave_out_multimodal_backbones, mmpretrain_dependency),
    ],
)
class TestTransformers:
    NEEDED = (
        'apply_chunking_to_forward',
        'find_pruneable_heads_and_indices',
        'prune_linear_layer',
    )

    @pytest.fixture
    def modeling_utils(self, monkeypatch, dependency):
        """The module of an installed transformers, without functions."""
        module = types.ModuleType('transformers.modeling_utils')
        package = types.ModuleType('transformers')
        package.modeling_utils = module
        monkeypatch.setitem(sys.modules, 'transformers', package)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', True)
        return module

    def test_unfit(self, modeling_utils, remedy, dependency):
        assert remedy() is None
        assert not dependency.WITH_MULTIMODAL

    def test_broken(self, modeling_utils, remedy, dependency):

        def fail(name):
            raise RuntimeError(f'Failed to import {name}')

        modeling_utils.__getattr__ = fail
        assert remedy() is None
        assert not dependency.WITH_MULTIMODAL

    def test_fit(self, modeling_utils, remedy, dependency):
        for name in self.NEEDED:
            setattr(modeling_utils, name, None)
        assert remedy() == 'this transformers fits'
        assert dependency.WITH_MULTIMODAL

    def test_absent(self, monkeypatch, remedy, dependency):
        monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', False)
        assert remedy() == 'transformers is not installed'


class TestBfloat16:
    """numpy has no such type."""

    def run(self, dtype):
        """The losses of a head of MMAction2, and the accuracy that it has."""
        head = MODELS.build(
            dict(type='TSNHead', num_classes=3, in_channels=4, average_clips='prob')
        ).to(dtype)
        feats = torch.randn(4, 4, 1, 1, dtype=dtype)
        samples = [ActionDataSample().set_gt_label(i) for i in (0, 2)]
        losses = head.loss(feats, samples, num_segs=2)
        with torch.no_grad():
            samples = head.predict(feats, samples, num_segs=2)
        metric = METRICS.build(dict(type='AccMetric'))
        metric.process(None, [sample.to_dict() for sample in samples])
        return losses, metric.evaluate(2)['acc/top1']

    def test_heads_train_and_test(self):
        losses, accuracy = self.run(torch.bfloat16)
        assert losses['loss_cls'].dtype == torch.float32
        assert 0 <= accuracy <= 1

    def test_other_types_stay(self):
        losses, _ = self.run(torch.float64)
        assert losses['loss_cls'].dtype == torch.float64


class TestHue:
    # OpenCV counts the hue in steps of two degrees: 60 are a third of the
    # circle, and magenta (150) turned by 120 exceeds a byte.
    @pytest.mark.parametrize(
        'color, steps, expected',
        [
            ((255, 0, 0), -60, (0, 0, 255)),
            ((255, 0, 0), 60, (0, 255, 0)),
            ((255, 0, 255), 120, (0, 255, 255)),
        ],
    )
    def test_turns_the_circle(self, color, steps, expected):
        image = np.full((2, 2, 3), color, np.float32)
        turned = ColorJitter.adjust_hue(image, steps / 255)
        assert turned.dtype == np.float32
        assert (turned == np.array(expected)).all()

    @pytest.mark.parametrize('hue', [-0.5, -0.1, -7 / 255, 0.1, 0.5])
    def test_transform_equals_plain_computation(self, hue):
        image = np.random.RandomState(0).randint(0, 256, (16, 16, 3), dtype=np.uint8)
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(int)
        hsv[..., 0] = (hsv[..., 0] + int(hue * 255)) % 180
        expected = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
        jitter = ColorJitter(0, 0, 0, hue=(hue, hue))
        result = jitter.transform(dict(imgs=[image]))['imgs'][0]
        assert (result == expected).all()

    def test_as_before_where_nothing_overflows(self, without):
        image = np.random.RandomState(0).randint(0, 256, (16, 16, 3)).astype(np.float32)
        turned = ColorJitter.adjust_hue(image, 0.2)
        without(ColorJitter, 'adjust_hue')
        assert (turned == ColorJitter.adjust_hue(image, 0.2)).all()


class TestLists:
    @pytest.fixture
    def build(self, tmp_path):
        """Builds a data set of a list with these lines."""

        def of(*lines, type='VideoDataset', **kwargs):
            (tmp_path / 'list.txt').write_text(''.join(f'{x}\n' for x in lines))
            config = dict(type=type, ann_file=str(tmp_path / 'list.txt'), pipeline=[])
            return DATASETS.build({**config, **kwargs})

        return of

    @pytest.mark.parametrize(
        'lines, reason',
        [
            ((), 'lists no videos, in lines such as'),
            (('a.mp4 x',), 'line 1: VideoDataset expects .*got .a.mp4 x'),
            (('a.mp4 1 2',), 'line 1: VideoDataset expects'),
            (('a.mp4 1', '', '# b', 'c.mp4 1_0'), 'line 4: VideoDataset expects'),
            (('a.mp4 1', 'c.mp4 1', 'a.mp4 2'), 'label 1, in line 3 with 2'),
        ],
    )
    def test_unfit_one_is_named(self, build, lines, reason):
        with pytest.raises(ValueError, match=f'list.txt.*{reason}'):
            build(*lines)

    def test_contradictions_and_repetitions(self, build):
        """Ten of the former are told; the latter are a warning."""
        lines = [f'{i}.mp4 {label}' for label in (0, 1) for i in range(13)]
        with pytest.raises(ValueError, match="13 times: '0.mp4' in line 1") as error:
            build(*lines)
        assert "'9.mp4' in line 10 with label 0, in line 23 with 1" in str(error.value)
        assert '10.mp4' not in str(error.value) and 'and 3 more' in str(error.value)
        # Videos of several labels, and segments, may have them in several lines.
        assert len(build(*lines, multi_class=True, num_classes=2)) == 26
        segments = [f'a {i} 9 {label}' for label in (0, 1) for i in range(3)]
        kind = dict(type='RawframeDataset', with_offset=True)
        assert len(build(*segments, **kind)) == 6
        with pytest.warns(UserWarning, match='txt.*: 2 lines, the first is line 7'):
            assert len(build(*segments, *segments[:2], **kind)) == 8

    @pytest.mark.parametrize('label', [-1, 3])
    def test_label_of_no_class(self, build, label):
        with pytest.raises(ValueError, match=f'line 2: .* 0 to 2; got .b.mp4 {label}'):
            build('a.mp4 0', f'b.mp4 {label}', multi_class=True, num_classes=3)

    def test_other_data_sets_keep_their_errors(self, build):
        """Their files have another form than the message tells."""
        with pytest.raises(ValueError) as error:
            build('a 1 x', type='AudioDataset')
        assert 'invalid literal' in str(error.value)
        assert 'list.txt' not in str(error.value)

    @pytest.mark.parametrize('offset', [False, True])
    def test_frames_without_label(self, build, offset):
        start = '2 ' if offset else ''
        dataset = build(
            f'a {start}8',
            f'b {start}8 0 2',
            type='RawframeDataset',
            with_offset=offset,
            multi_class=True,
            num_classes=3,
        )
        labels = [dataset.get_data_info(i)['label'].tolist() for i in range(2)]
        assert labels == [[0, 0, 0], [1, 0, 1]]
