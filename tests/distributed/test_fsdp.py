"""FSDP trains as DDP and as one process, and its checkpoints are as all others."""

import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.compat import torch_version
from bike_mmaction.recipes import use_fsdp
from tests.kit.checks import collected
from tests.kit.configs import load_config, shrink, shrink_images
from tests.kit.models import CLASSES, attributes_branch, write_checkpoint
from tests.kit.tools import read_results, refusal, run_python, run_tool

pytestmark = pytest.mark.skipif(
    torch_version() < (2, 6), reason='FSDP on CPUs needs torch>=2.6'
)


@pytest.fixture(scope='module')
def config(tmp_path_factory, data_root):
    """A shipped config made small; a process cannot read its first validation."""
    folder = tmp_path_factory.mktemp('config')
    cfg = shrink_images(shrink(load_config('bike_vitb32_k400'), data_root, folder))
    listed = cfg.val_dataloader.dataset.ann_file
    with open(listed) as file:
        lines = file.read().splitlines()[:3]
    with open(folder / 'val.txt', 'w') as file:
        file.write('\n'.join([*lines, 'absent.mp4 0']))
    cfg.val_dataloader.dataset.ann_file = str(folder / 'val.txt')
    cfg.val_dataloader.batch_size = 1
    cfg.model.cls_head.text_encoder.frozen = False  # is in shards as well
    use_fsdp(cfg)
    cfg.dump(folder / 'small.py')
    return str(folder / 'small.py')


@pytest.fixture(scope='module')
def folder(tmp_path_factory, config):
    """Of all trainings, by three processes that run at the same time."""
    folder = tmp_path_factory.mktemp('fsdp')
    done = run_python('tests/distributed/fsdp_program.py', folder, config)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def load(folder, name, epoch=2):
    path = folder / name / f'epoch_{epoch}.pth'
    return torch.load(path, weights_only=False)


def compare(one, other, tolerance=1e-5):
    """Weights, and states of the optimizer, of two checkpoints."""
    weights, others = one['state_dict'], other['state_dict']
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, others[name], rtol=0, atol=tolerance)
    states, of_other = one['optimizer']['state'], other['optimizer']['state']
    assert states.keys() == of_other.keys() and states
    for number, state in states.items():
        assert state.keys() == of_other[number].keys()
        for name, value in state.items():
            torch.testing.assert_close(
                value, of_other[number][name], rtol=1e-5, atol=tolerance
            )
    assert one['optimizer']['param_groups'] == other['optimizer']['param_groups']


def test_it_trains_as_others_do(folder):
    """As released; with adapters and a trained text tower, and clipping."""
    with collected() as check:
        for kind in ('plain', 'lora'):
            with check(f'{kind}: FSDP and DDP'):
                epochs = 2 if kind == 'plain' else 1
                by_fsdp = load(folder, f'{kind}_fsdp', epochs)
                compare(by_fsdp, load(folder, f'{kind}_ddp', epochs))
                assert by_fsdp['message_hub'] and by_fsdp['meta']['epoch'] == epochs
        with check('FSDP and one process'):
            compare(load(folder, 'plain_fsdp'), load(folder, 'plain_one'))


def test_a_stopped_training_ends_as_if_it_was_not(folder):
    expected = load(folder, 'plain_fsdp')
    compare(load(folder, 'stopped'), expected, tolerance=0)
    compare(load(folder, 'by_ddp'), expected)


def test_processes_have_a_part_each_and_stop_together(folder):
    (first, told), (second, also_told) = (
        torch.load(folder / f'facts_{rank}.pt') for rank in range(2)
    )
    state = load(folder, 'lora_fsdp', 1)['optimizer']['state']
    trained = sum(s['exp_avg'].numel() for s in state.values() if s['exp_avg'].ndim)
    assert first[0] + second[0] == trained and min(first[0], second[0]) > 0.4 * trained
    assert first[1] == second[1] == 2  # logit_scale, bias
    assert told == also_told and told.startswith('weights: ')
    assert '_wrapped' not in told and 'lora' not in told


def test_its_config_and_checkpoint_are_used_as_others(folder, config, tmp_path):
    """By the command line: trained with an absent video, tested, converted, merged."""
    trained, converted = folder / 'command/epoch_1.pth', tmp_path / 'it.safetensors'
    run_tool('convert_checkpoint', trained, converted)
    results = []
    for name, path in (('trained', trained), ('converted', converted)):
        run_tool('test', config, path, '--work-dir', tmp_path / name)
        results.append(read_results(tmp_path / name))
    assert results[0]['videos']['evaluated'] == 5
    assert results[0]['metrics'] == results[1]['metrics']
    attributes = MODELS.build(attributes_branch(CLASSES))
    other = write_checkpoint(attributes, tmp_path / 'attributes.pth')
    run_tool('merge_checkpoints', trained, other, tmp_path / 'merged.pth')
    merged = torch.load(tmp_path / 'merged.pth')['state_dict']
    weights = torch.load(trained, weights_only=False)['state_dict']
    assert all(torch.equal(merged[name], weight) for name, weight in weights.items())
    assert 'this is one: start them by tools/dist_train.sh' in refusal('train', config)
