"""Each remedy of ``compat.py`` and ``compat_tools.py``.

Without it, its tests here fail; that of the inferencer's drawing is tested in
``test_toolbox_tools.py``.
"""

import os
import sys
import types
from collections import OrderedDict
from functools import partial

import av
import cv2
import mmaction.utils.dependency as dependency
import numpy as np
import pytest
import torch
from mmaction.datasets.transforms import ColorJitter
from mmaction.engine.hooks import VisualizationHook
from mmaction.models.heads import FeatureHead
from mmaction.registry import METRICS, MODELS
from mmaction.structures import ActionDataSample
from mmaction.visualization import ActionVisualizer, LocalVisBackend
from mmengine.analysis import FlopAnalyzer
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.dist import utils as dist_utils
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader

from bike_mmaction import compat
from bike_mmaction.version import DEPENDENCIES, MMCV

RESTRICTED = pytest.mark.skipif(
    compat.torch_version() < (2, 6), reason='older torch unpickles without restriction'
)


class TestVersions:
    @pytest.fixture
    def installed(self, monkeypatch):
        """Pretend versions; None stands for a package that is absent."""
        pretended = {name: low for name, (low, _) in DEPENDENCIES.items()}
        pretended.update({'mmcv-lite': '2.1.0', 'mmcv': None})

        def version(name):
            if pretended[name] is None:
                raise compat.PackageNotFoundError(name)
            return pretended[name]

        monkeypatch.setattr(compat, 'version', version)
        return pretended

    @pytest.mark.parametrize(
        'name, found',
        [
            ('torch', '2.12.1+cpu'),
            ('torch', '2.15.9'),
            ('mmcv', '2.1.0'),
            ('mmcv-lite', '2.0.0'),
        ],
    )
    def test_accepts(self, installed, name, found):
        installed[name] = found
        compat.check_versions()

    def test_full_mmcv_suffices(self, installed):
        installed.update({'mmcv-lite': None, 'mmcv': '2.0.1'})
        compat.check_versions()

    @pytest.mark.parametrize(
        'name, found',
        [
            ('torch', '2.1.1'),
            ('torch', '2.16.0'),
            ('torch', '2.16.0rc1'),
            ('numpy', '3.0.0'),
            ('mmaction2', '1.3.0'),
            ('mmcv-lite', '2.2.0'),
            ('mmcv', '2.2.0'),
        ],
    )
    def test_refuses(self, installed, name, found):
        installed[name] = found
        low, high = {**DEPENDENCIES, **MMCV}[name]
        with pytest.raises(ImportError) as error:
            compat.check_versions()
        assert f'{name} {found} is installed' in str(error.value)
        assert f'pip install "{name}>={low},<{high}"' in str(error.value)

    @pytest.mark.parametrize('name', ['torch', 'mmcv-lite'])
    def test_names_what_is_absent(self, installed, name):
        installed[name] = None
        with pytest.raises(ImportError, match=f'{name}>=.* which is not installed'):
            compat.check_versions()


def test_patching_twice_changes_nothing():
    patched = [
        (dist_utils, '_init_dist_pytorch'),
        (MMDistributedDataParallel, '__init__'),
        (OPTIM_WRAPPERS.get('AmpOptimWrapper'), '__init__'),
        (ColorJitter, 'adjust_hue'),
        (Compose, '__call__'),
        (FeatureHead, 'forward'),
        (LocalVisBackend, 'add_video'),
        (VisualizationHook, '_draw_samples'),
        (ActionVisualizer, 'add_datasample'),
    ]
    before = [getattr(owner, name) for owner, name in patched]
    compat.patch_toolbox()
    assert [getattr(owner, name) for owner, name in patched] == before


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
    def test_stand_in_only_where_absent(self, monkeypatch, present):
        monkeypatch.setattr(compat.osp, 'isdir', lambda path: present)
        compat.add_missing_localizer()
        assert all((n in sys.modules) is not present for n in self.NAMES)


class TestTransformers:
    NEEDED = (
        'apply_chunking_to_forward',
        'find_pruneable_heads_and_indices',
        'prune_linear_layer',
    )

    @pytest.fixture
    def modeling_utils(self, monkeypatch):
        """The module of an installed transformers, without functions."""
        module = types.ModuleType('transformers.modeling_utils')
        package = types.ModuleType('transformers')
        package.modeling_utils = module
        monkeypatch.setitem(sys.modules, 'transformers', package)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', True)
        return module

    def test_unfit(self, modeling_utils):
        compat.ignore_unfit_transformers()
        assert not dependency.WITH_MULTIMODAL

    def test_broken(self, modeling_utils):

        def fail(name):
            raise RuntimeError(f'Failed to import {name}')

        modeling_utils.__getattr__ = fail
        compat.ignore_unfit_transformers()
        assert not dependency.WITH_MULTIMODAL

    def test_fit(self, modeling_utils):
        for name in self.NEEDED:
            setattr(modeling_utils, name, None)
        compat.ignore_unfit_transformers()
        assert dependency.WITH_MULTIMODAL


class Line(BaseModel):
    """A model of two numbers."""

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(1, 1)

    def forward(self, x, mode):
        return dict(loss=(self.line(x) ** 2).mean())


class Reduced:
    """Unpickling an object of this class calls ``function(*args)``."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


class TestCheckpoints:
    def train(self, work_dir, max_epochs, resume):
        runner = Runner(
            Line(),
            str(work_dir),
            train_dataloader=dict(
                dataset=[torch.ones(1)] * 4,
                sampler=dict(type='DefaultSampler', shuffle=False),
                collate_fn=lambda batch: dict(x=torch.stack(batch)),
                batch_size=2,
            ),
            train_cfg=dict(by_epoch=True, max_epochs=max_epochs),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            resume=resume,
            experiment_name=f'{work_dir.name}_{max_epochs}',
        )
        runner.train()
        return runner

    def test_own_checkpoint_is_read_and_resumed(self, tmp_path):
        self.train(tmp_path, 1, resume=False)
        checkpoint = CheckpointLoader.load_checkpoint(str(tmp_path / 'epoch_1.pth'))
        log = checkpoint['message_hub']['log_scalars']['train/loss']
        assert isinstance(log, HistoryBuffer)
        assert log.mean() > log.current()
        runner = self.train(tmp_path, 2, resume=True)
        assert runner.iter == 4

    @pytest.mark.parametrize('dtype', ['f2', 'f4', 'f8', 'i8', 'u1', 'b1'])
    def test_numpy_in_checkpoint(self, tmp_path, dtype):
        array = np.array([[0, 1]], dtype)
        path = str(tmp_path / 'numpy.pth')
        torch.save(dict(array=array, scalar=array[0, 1]), path)
        loaded = CheckpointLoader.load_checkpoint(path)
        assert loaded['array'].dtype == array.dtype
        assert (loaded['array'] == array).all()
        assert loaded['scalar'] == 1

    def test_safetensors(self, tmp_path):
        from safetensors.torch import save_file

        path = str(tmp_path / 'a.safetensors')
        save_file(dict(a=torch.arange(3)), path)
        loaded = CheckpointLoader.load_checkpoint(path)
        assert loaded['state_dict']['a'].tolist() == [0, 1, 2]

    @RESTRICTED
    @pytest.mark.parametrize(
        'function, args',
        [
            (os.mkdir, ('made',)),
            (eval, ("__import__('os').mkdir('made')",)),
            (getattr, (OrderedDict, 'fromkeys')),
            (getattr, (HistoryBuffer, '__init__')),
        ],
    )
    def test_code_in_checkpoint_is_refused(self, tmp_path, monkeypatch, function, args):
        monkeypatch.chdir(tmp_path)
        torch.save(dict(state_dict=Reduced(function, *args)), 'evil.pth')
        with pytest.raises(RuntimeError, match=r'cannot read .*evil\.pth'):
            CheckpointLoader.load_checkpoint('evil.pth')
        assert os.listdir() == ['evil.pth']


class TestDumpedConfig:
    """It stays that of the last run which has begun."""

    def runner(self, folder, text, data=(1.0,), **kwargs):
        (folder / 'own.py').write_text(text)
        loader = dict(
            dataset=list(data),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=lambda batch: dict(x=torch.tensor(batch)[:, None]),
            batch_size=1,
        )
        return Runner(
            Line(),
            str(folder / 'work'),
            train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            cfg=Config.fromfile(folder / 'own.py'),
            experiment_name=f'{folder.name}_{text}',
            **kwargs,
        )

    def dumped(self, folder):
        return (folder / 'work' / 'own.py').read_text().strip()

    def test_of_the_first_batch(self, tmp_path):
        runner = self.runner(tmp_path, 'x = 1')
        assert not (tmp_path / 'work' / 'own.py').exists()
        runner.train()
        assert self.dumped(tmp_path) == 'x = 1'
        for kwargs in (
            dict(load_from='absent.pth'),
            dict(data=['no number']),
            dict(custom_hooks=[FailAfterBatch()]),
        ):
            runner = self.runner(tmp_path, 'x = 2', **kwargs)
            with pytest.raises(Exception):  # noqa: B017
                runner.train()
            assert self.dumped(tmp_path) == 'x = 1'
        runner = self.runner(tmp_path, 'x = 3')
        runner.train()
        assert self.dumped(tmp_path) == 'x = 3'


class FailAfterBatch(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        raise RuntimeError('out of memory, for example')


def test_processes_talk_without_gpu(monkeypatch, tmp_path):
    for name, value in dict(RANK=0, LOCAL_RANK=0, WORLD_SIZE=1).items():
        monkeypatch.setenv(name, str(value))
    dist_utils._init_dist_pytorch(
        'nccl', init_method=f'file://{tmp_path}/store', rank=0, world_size=1
    )
    try:
        assert torch.distributed.get_backend() == 'gloo'
        model = MMDistributedDataParallel(Line(), device_ids=[0])
        model(torch.ones(2, 1), mode='loss')['loss'].backward()
        assert model.module.line.weight.grad is not None
    finally:
        torch.distributed.destroy_process_group()


class TestAmpOnCPU:
    def build(self, **kwargs):
        model = torch.nn.Linear(2, 2)
        return model, OPTIM_WRAPPERS.build(
            dict(
                type='AmpOptimWrapper',
                optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
                **kwargs,
            )
        )

    def step(self, **kwargs):
        """The type of the output, and what a step did to the weights."""
        model, wrapper = self.build(clip_grad=dict(max_norm=1.0), **kwargs)
        before = model.weight.clone()
        with wrapper.optim_context(model):
            out = model(torch.ones(1, 2))
        wrapper.update_params(out.float().sum())
        wrapper.load_state_dict(wrapper.state_dict())
        return out.dtype, before - model.weight

    @pytest.mark.parametrize('dtype', [None, 'bfloat16', torch.bfloat16])
    def test_trains_in_bfloat16(self, monkeypatch, dtype):
        monkeypatch.setattr(compat, 'torch_version', lambda: (2, 3))
        found, step = self.step(dtype=dtype)
        assert found == torch.bfloat16
        # The gradient is 1 for six parameters, clipped to norm 1.
        expected = torch.full((2, 2), 0.1 * 6**-0.5)
        torch.testing.assert_close(step, expected, rtol=1e-3, atol=1e-6)

    def test_old_torch_trains_in_float32(self, monkeypatch):
        monkeypatch.setattr(compat, 'torch_version', lambda: (2, 2))
        with pytest.warns(UserWarning, match='needs torch>=2.3'):
            found, step = self.step()
        assert found == torch.float32
        assert (step > 0).all()

    def test_float16_is_refused(self):
        with pytest.raises(ValueError, match="'float16' needs a GPU"):
            self.build(dtype='float16')


def test_heads_of_the_toolbox_in_bfloat16():
    """Without the remedy numpy says that it has no such type."""
    head = MODELS.build(
        dict(type='TSNHead', num_classes=3, in_channels=4, average_clips='prob')
    ).bfloat16()
    feats = torch.randn(4, 4, 1, 1, dtype=torch.bfloat16)
    samples = [ActionDataSample().set_gt_label(i) for i in (0, 2)]
    losses = head.loss(feats, samples, num_segs=2)
    assert losses['loss_cls'].dtype == torch.float32
    with torch.no_grad():
        found = head.predict(feats, samples, num_segs=2)
    metric = METRICS.build(dict(type='AccMetric'))
    metric.process(None, [sample.to_dict() for sample in found])
    assert 0 <= metric.evaluate(2)['acc/top1'] <= 1


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


class TestPipelineErrors:
    @staticmethod
    def fail(results):
        raise OSError('no such stream\nand many lines more')

    def message(self, **data):
        with pytest.raises(compat.PipelineError) as error:
            Compose([self.fail])(data)
        assert isinstance(error.value.__cause__, OSError)
        return str(error.value)

    def test_missing(self, tmp_path):
        path = f'{tmp_path}/a.mp4'
        assert (
            self.message(filename=path)
            == f"cannot use '{path}': no such file or folder"
        )

    def test_empty(self, tmp_path):
        path = tmp_path / 'a.mp4'
        path.touch()
        assert 'a.mp4' in self.message(filename=str(path))
        assert '(0 bytes)' in self.message(filename=str(path))

    def test_unreadable(self, tmp_path):
        assert self.message(frame_dir=str(tmp_path)) == (
            f"cannot use '{tmp_path}': OSError: no such stream"
        )

    def test_remote_is_not_called_missing(self):
        assert 'no such stream' in self.message(filename='s3://bucket/a.mp4')

    def test_nested_pipelines_name_it_once(self, tmp_path):
        path = str(tmp_path)
        with pytest.raises(compat.PipelineError) as error:
            Compose([Compose([self.fail])])(dict(frame_dir=path))
        assert str(error.value).count(path) == 1

    def test_other_data_keep_their_error(self):
        with pytest.raises(OSError, match='no such stream'):
            Compose([self.fail])(dict(imgs=[]))


class TestFLOPs:
    def count(self, **kwargs):
        """Of self-attention over 5 tokens of 8 channels, two sequences."""
        layer = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
        layer.requires_grad_(kwargs.pop('trained'))
        layer.forward = partial(layer.forward, **kwargs)
        x = torch.zeros(2, 5, 8)
        return FlopAnalyzer(layer, (x, x, x)).total()

    # Frozen, torch runs the whole layer as one operation.
    @pytest.mark.parametrize('trained', [True, False])
    def test_attention_is_counted(self, trained):
        projections, products = 4 * 5 * 8 * 8, 2 * 5 * 5 * 8
        assert self.count(trained=trained, need_weights=False) == 2 * (
            projections + products
        )


class TestFeatures:
    @pytest.mark.parametrize(
        'temporal_type, expected',
        [('avg', lambda x: x.mean(1)), (None, lambda x: x.transpose(1, 2))],
    )
    def test_of_frames(self, temporal_type, expected):
        head = MODELS.build(
            dict(type='FeatureHead', temporal_type=temporal_type, average_clips='score')
        )
        feats = torch.randn(2, 5, 4)
        found = head.predict(feats, [ActionDataSample() for _ in feats])
        torch.testing.assert_close(found, expected(feats))

    def test_of_others_are_as_before(self):
        head = MODELS.build(dict(type='FeatureHead', average_clips='score'))
        feats = torch.randn(2, 4, 3, 2, 2)
        torch.testing.assert_close(head(feats), feats.mean((2, 3, 4)))


class TestDrawing:
    @pytest.fixture
    def visualizer(self, tmp_path):
        return ActionVisualizer.get_instance(  # hooks look for it
            tmp_path.name,
            vis_backends=[dict(type='LocalVisBackend')],
            save_dir=str(tmp_path),
        )

    @pytest.fixture
    def frames(self):
        """Four of 96 x 128 pixels, reddish."""
        return np.full((4, 96, 128, 3), (200, 90, 30), np.uint8)

    def sample(self, gt=None, pred=None):
        sample = ActionDataSample()
        if gt is not None:
            sample.set_gt_label(gt)
        if pred is not None:
            sample.set_pred_label(pred).set_pred_score(torch.eye(3)[pred])
        return sample

    def test_labels_are_in_the_picture(self, visualizer, frames):
        samples = [
            self.sample(),
            self.sample(gt=1),
            self.sample(gt=2),
            self.sample(gt=torch.tensor([0.0, 1.0, 1.0])),  # two classes
            self.sample(pred=1),
            self.sample(pred=2),
            self.sample(gt=1, pred=1),
        ]
        drawn = [
            visualizer.add_datasample('a', frames, s)[0].tobytes() for s in samples
        ]
        assert len(set(drawn)) == len(drawn)
        assert 'pred_labels' not in samples[-1]  # the sample itself is kept

    @pytest.mark.parametrize(
        'inputs',
        [
            lambda video: video.permute(3, 0, 1, 2).expand(6, 3, 4, 96, 128),
            lambda video: video.permute(0, 3, 1, 2),
        ],
    )
    def test_hook_draws_views(self, visualizer, frames, tmp_path, inputs):
        hook = VisualizationHook(True, 1, out_dir=str(tmp_path), wait_time=1)
        sample = self.sample(gt=1)
        sample.set_metainfo(dict(filename='b/c.mp4'))
        batch = dict(inputs=[inputs(torch.as_tensor(frames))])
        hook.after_test_iter(None, 0, batch, [sample])
        assert len(os.listdir(tmp_path / 'c.mp4_0' / 'frames_0')) == 4
        image = cv2.imread(str(tmp_path / 'c.mp4_0' / 'frames_0' / '3.png'))
        assert (image[-20:] == (30, 90, 200)).all()

    def test_hook_that_is_off_looks_at_nothing(self, visualizer):
        VisualizationHook().after_test_iter(None, 0, dict(inputs=[None]), [])

    @pytest.mark.parametrize('suffix, out_type', [('mp4', 'video'), ('gif', 'gif')])
    def test_video_without_moviepy(self, frames, tmp_path, suffix, out_type):
        backend = LocalVisBackend(save_dir=str(tmp_path / 'new'))
        frames[0] = 255
        bgr = frames[:, :95, :, ::-1]  # odd heights are cut
        backend.add_video('a.avi', bgr, fps=10, out_type=out_type)
        with av.open(str(tmp_path / 'new' / f'a.{suffix}')) as file:
            found = [x.to_ndarray(format='rgb24') for x in file.decode()]
        assert len(found) > 1 and found[0].shape == (94, 128, 3)
        assert found[0].min() > 250
        assert np.abs(found[-1].astype(int) - (200, 90, 30)).max() < 12

    def test_pictures_of_a_file_keep_their_colors(self, visualizer, frames, tmp_path):
        """A folder of images is read like a file."""
        os.mkdir(tmp_path / 'red')
        cv2.imwrite(str(tmp_path / 'red' / '0.png'), frames[0][..., ::-1])
        visualizer.add_datasample(
            'b', str(tmp_path / 'red'), out_path=str(tmp_path / 'out')
        )
        image = cv2.imread(str(tmp_path / 'out' / 'frames_0' / '0.png'))
        assert (image[-20:] == (30, 90, 200)).all()
