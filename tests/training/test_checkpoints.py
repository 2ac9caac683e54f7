"""In which order files of a run come and go."""

import os
import os.path as osp

import pytest
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook

from tests.kit.line import line_runner
from tests.kit.stopping import StopBefore


class Given(BaseMetric):
    """An accuracy for each validation."""

    def __init__(self, values):
        super().__init__()
        self.values = iter(values)

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return dict(acc=next(self.values))


@pytest.fixture
def events(monkeypatch):
    """What is put into its place, and what is removed, but for the config."""
    noted = []
    replace, remove = os.replace, os.remove

    def note_replace(source, target):
        replace(source, target)
        if not target.endswith('.py'):
            noted.append(f'+{osp.basename(target)}')

    def note_remove(path):
        remove(path)
        noted.append(f'-{osp.basename(path)}')

    monkeypatch.setattr(os, 'replace', note_replace)
    monkeypatch.setattr(os, 'remove', note_remove)
    return noted


def run(folder, accuracies, epochs=3, hooks=(), resume=False, accumulated=1, **options):
    """Epochs of two iterations, with a validation after each."""
    options = dict(dict(interval=1), **options)
    runner = line_runner(
        folder,
        max_epochs=epochs,
        val_cfg=dict(type='ValLoop'),
        val_dataloader=dict(
            dataset=[1.0],
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=1,
            collate_fn=lambda batch: dict(x=batch),
        ),
        val_evaluator=[Given(accuracies)],
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', save_best='acc', **options),
            exact_resume=dict(type='ExactResume'),
            make_up_validation=dict(type='MakeUpValidation'),
        ),
        custom_hooks=list(hooks),
        resume=resume,
        default_scope='mmaction',
        experiment_name=f'{folder.name}{len(accuracies)}{resume}',
    )
    runner.model.val_step = lambda batch: [0]
    runner._train_loop = dict(type='AnySizeTrainLoop', max_epochs=epochs)
    runner.optim_wrapper['accumulative_counts'] = accumulated
    runner.train()
    return runner


def test_nothing_goes_before_the_next_one_is_there(events, tmp_path):
    run(tmp_path, [0.1, 0.3, 0.2], max_keep_ckpts=1)
    assert ' '.join(events) == (
        '+epoch_1.pth +last_checkpoint +best_acc_epoch_1.pth '
        '+epoch_2.pth +last_checkpoint -epoch_1.pth +best_acc_epoch_2.pth '
        '+epoch_3.pth +last_checkpoint -best_acc_epoch_1.pth -epoch_2.pth'
    )


def test_the_last_validation_may_be_the_best(events, tmp_path):
    run(tmp_path, [0.1, 0.2], epochs=2)
    assert events[-2:] == ['+best_acc_epoch_2.pth', '-best_acc_epoch_1.pth']


def test_in_the_middle_of_epochs(events, tmp_path):
    """Only where that is not the end of an epoch that is saved."""
    run(tmp_path, [0.1] * 3, save_every=1, interval=2)
    assert ' '.join(events) == (
        '+iter_1.pth +last_checkpoint '
        '+iter_2.pth +last_checkpoint -iter_1.pth +best_acc_epoch_1.pth '
        '+iter_3.pth +last_checkpoint -iter_2.pth '
        '+epoch_2.pth +last_checkpoint -iter_3.pth '
        '+iter_5.pth +last_checkpoint '
        '+epoch_3.pth +last_checkpoint -iter_5.pth'
    )


def test_no_gradients_wait(events, tmp_path):
    """They would be lost, as would be what they came from."""
    run(tmp_path, [0.1] * 3, save_every=1, interval=9, accumulated=4)
    assert [name for name in events if '.pth' in name and 'best' not in name] == [
        '+iter_4.pth',
        '+epoch_3.pth',
        '-iter_4.pth',
    ]


def test_an_epoch_is_not_begun_again(events, tmp_path):
    """Its end, and its validation, come where it goes on."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, [], hooks=[StopBefore(1)], save_every=1)
    (tmp_path / '.unfinished-1-epoch_1.pth').touch()
    (tmp_path / '.unfinished-1-last_checkpoint').touch()
    del events[:]
    places = []

    class Places(Hook):
        def after_train_iter(self, runner, batch_idx, *args, **kwargs):
            places.append((runner.epoch, batch_idx, runner.iter))

    runner = run(tmp_path, [0.1] * 3, hooks=[Places()], save_every=1, resume=True)
    assert places == [(0, 1, 1), (1, 0, 2), (1, 1, 3), (2, 0, 4), (2, 1, 5)]
    assert events[:2] == [
        '-.unfinished-1-epoch_1.pth',
        '-.unfinished-1-last_checkpoint',
    ]
    assert events[2:6] == [
        '+epoch_1.pth',
        '+last_checkpoint',
        '-iter_1.pth',
        '+best_acc_epoch_1.pth',
    ]
    assert runner.message_hub.get_info('best_ckpt').endswith('epoch_1.pth')


def test_a_validation_is_made_up(tmp_path):
    """Also the last one, and in a training that is complete."""
    with pytest.raises(StopIteration):  # as a kill in the second validation
        run(tmp_path, [0.1])
    runner = run(tmp_path, [0.3, 0.2], resume=True)
    assert runner.message_hub.get_info('best_ckpt').endswith('epoch_2.pth')
    assert not (tmp_path / 'best_acc_epoch_1.pth').exists()
    runner = run(tmp_path, [0.4], epochs=3, resume=True)
    assert runner.message_hub.get_info('best_ckpt').endswith('epoch_3.pth')


def test_no_files_of_another_folder_are_removed(tmp_path):
    """A run that was copied knows the best one by its old path."""
    run(tmp_path / 'old', [0.2, 0.1], epochs=2)
    os.rename(tmp_path / 'old', tmp_path / 'new')
    (tmp_path / 'old').mkdir()
    (tmp_path / 'old' / 'best_acc_epoch_1.pth').touch()
    run(tmp_path / 'new', [0.1, 0.3], resume=True)
    assert (tmp_path / 'old' / 'best_acc_epoch_1.pth').exists()
    best = sorted(path.name for path in (tmp_path / 'new').glob('best*'))
    assert best == ['best_acc_epoch_3.pth']


def test_every_config_has_it(tmp_path):
    with pytest.raises(ValueError, match='save_every=0 must be positive'):
        line_runner(
            tmp_path,
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', save_every=0)),
        )
