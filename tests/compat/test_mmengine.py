"""Without a remedy, its tests here fail.

That only one rank writes metrics is tested where there are ranks.
"""

import os
from functools import partial

import pytest
import torch
from mmengine.analysis import FlopAnalyzer
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.dist import utils as dist_utils
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import save_checkpoint

from bike_mmaction.compat import mmengine
from bike_mmaction.errors import PipelineError
from tests.kit.line import Line, line_runner


class TestDumpedConfig:
    """It stays that of the last run which has begun."""

    def runner(self, folder, text, **kwargs):
        (folder / 'own.py').write_text(text)
        config = Config.fromfile(folder / 'own.py')
        name = f'{folder.name}_{text}'
        return line_runner(folder / 'work', cfg=config, experiment_name=name, **kwargs)

    def dumped(self, folder):
        return (folder / 'work' / 'own.py').read_text().strip()

    def test_of_a_good_run_stays(self, tmp_path):
        self.runner(tmp_path, 'x = 1')
        assert self.dumped(tmp_path) == 'x = 1'  # as MMEngine does it
        for kwargs in (
            dict(load_from='absent.pth'),
            dict(numbers=['no number']),
            dict(custom_hooks=[FailAfterBatch()]),
        ):
            runner = self.runner(tmp_path, 'x = 2', **kwargs)
            with pytest.raises(Exception):  # noqa: B017
                runner.train()
            assert self.dumped(tmp_path) == 'x = 1'
        runner = self.runner(tmp_path, 'x = 3')
        assert self.dumped(tmp_path) == 'x = 1'
        runner.train()
        assert self.dumped(tmp_path) == 'x = 3'
        runner.cfg.y = 4  # a run that has begun may dump it when it likes
        runner.dump_config()
        assert 'y = 4' in self.dumped(tmp_path)


class TestCheckpointsAreWhole:
    """Whatever ends the writing, the one before stays until the next is there."""

    def test_half_of_one_takes_no_place(self, tmp_path, monkeypatch):
        runner = line_runner(tmp_path)
        runner.train()
        before = (tmp_path / 'epoch_1.pth').read_bytes()

        def write_half(checkpoint, file):
            file.write(before[:500])
            raise OSError('no space left')

        monkeypatch.setattr(torch, 'save', write_half)
        with pytest.raises(OSError, match='no space'):
            runner.save_checkpoint(str(tmp_path), 'epoch_1.pth')
        assert (tmp_path / 'epoch_1.pth').read_bytes() == before
        assert not list(tmp_path.glob('.*'))

    def test_it_is_on_the_disk_first(self, tmp_path, monkeypatch):
        steps, fsync, replace = [], os.fsync, os.replace

        def note_fsync(number):
            steps.append(os.path.basename(os.readlink(f'/proc/self/fd/{number}')))
            fsync(number)

        def note_replace(source, target):
            steps.append(f'to {os.path.basename(target)}')
            replace(source, target)

        monkeypatch.setattr(os, 'fsync', note_fsync)
        monkeypatch.setattr(os, 'replace', note_replace)
        save_checkpoint(dict(a=1), str(tmp_path / 'a.pth'))
        draft, *rest = steps
        assert draft.startswith('.unfinished-') and draft.endswith('-a.pth')
        assert rest == ['to a.pth', tmp_path.name]


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
        mmengine.leave_process_group()
    assert not torch.distributed.is_initialized()


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
        monkeypatch.setattr(mmengine, 'torch_version', lambda: (2, 3))
        # A CPU without it does so where it was asked for.
        monkeypatch.setattr(mmengine, '_has_bfloat16', lambda: dtype is None)
        computed, step = self.step(dtype=dtype)
        assert computed == torch.bfloat16
        # The gradient is 1 for six parameters, clipped to norm 1.
        expected = torch.full((2, 2), 0.1 * 6**-0.5)
        torch.testing.assert_close(step, expected, rtol=1e-3, atol=1e-6)

    def test_old_torch_trains_in_float32(self, monkeypatch):
        monkeypatch.setattr(mmengine, 'torch_version', lambda: (2, 2))
        with pytest.warns(UserWarning, match='needs torch>=2.3'):
            computed, step = self.step()
        assert computed == torch.float32
        assert (step > 0).all()

    def test_cpu_without_bfloat16_trains_in_float32(self, monkeypatch):
        monkeypatch.setattr(mmengine, 'torch_version', lambda: (2, 3))
        monkeypatch.setattr(mmengine, '_has_bfloat16', lambda: False)
        with pytest.warns(UserWarning, match='no instructions for bfloat16'):
            computed, step = self.step()
        assert computed == torch.float32
        assert (step > 0).all()

    def test_float16_is_refused(self):
        with pytest.raises(ValueError, match="'float16' needs a GPU"):
            self.build(dtype='float16')


class TestPipelineErrors:
    @staticmethod
    def fail(results):
        raise OSError('no such stream\nand many lines more')

    def message(self, **data):
        with pytest.raises(PipelineError) as error:
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
        with pytest.raises(PipelineError) as error:
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
