"""Checkpoints of a run, which survive that it is killed at any moment."""

import os.path as osp
from typing import Any, Optional

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS

from ..checkpoint.latest import NAMED
from ..files import remove_drafts, write_text
from .finite import look_at_losses

PASSING = 'iter_{}.pth'  # in the middle of an epoch, until the next one is there
OUTDATED = 'outdated_ckpts'  # in the message hub


@HOOKS.register_module('CheckpointHook', force=True)
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, for runs that may be killed.

    It takes its place in every config. Whenever a process is killed, there is
    a whole checkpoint, and none has been lost that was newer:

    - an older one is removed when the next one is on the disk, and a best one
      when a checkpoint is there that knows of the next best one;
    - the newest one is not written a second time when validation improves:
      a run that is resumed after an epoch begins with its validation, see
      :class:`.MakeUpValidation`;
    - ``last_checkpoint`` is replaced in one step.

    A checkpoint itself is written in one step by the remedy
    ``write_checkpoints_whole``.

    Args:
        save_every (int, optional): Iterations after which a checkpoint is
            written in the middle of an epoch, too, or a few more, until no
            gradients are accumulated. The next checkpoint takes its place.
            Defaults to None.
        **kwargs: As in ``CheckpointHook``.

    Raises:
        ValueError: if ``save_every`` is not positive.
    """

    file_backend: Any  # MMEngine sets it

    def __init__(self, *args, save_every: Optional[int] = None, **kwargs) -> None:
        if save_every is not None and save_every < 1:
            raise ValueError(f'save_every={save_every} must be positive')
        super().__init__(*args, **kwargs)
        self.save_every = save_every
        self._outdated: list[str] = []  # names of files
        self._is_time = False

    def before_train(self, runner) -> None:
        """Remove what a killed run has left."""
        super().before_train(runner)
        self._outdated = list(runner.message_hub.get_info(OUTDATED, None) or ())
        self._remove_outdated()
        if not is_main_process():
            return
        drafts = remove_drafts(self.out_dir, '.pth')
        drafts += remove_drafts(runner.work_dir, NAMED)
        if drafts:
            runner.logger.info(
                f'Removed what a stopped run has not finished: {", ".join(drafts)}'
            )

    def after_train_iter(self, runner, batch_idx: int, *args, **kwargs) -> None:
        """Save in the middle of an epoch, if it is time."""
        super().after_train_iter(runner, batch_idx, *args, **kwargs)
        if not self.by_epoch or not self.save_every:
            return
        self._is_time |= self.every_n_train_iters(runner, self.save_every)
        ends = self.end_of_epoch(runner.train_dataloader, batch_idx)
        if ends and self._saves_epoch(runner):
            self._is_time = False
        if not self._is_time or _has_gradients(runner.optim_wrapper):
            return
        self._is_time, done = False, runner.iter + 1
        self._write(runner, PASSING.format(done), dict(epoch=runner.epoch, iter=done))

    def after_train(self, runner) -> None:
        """Remove what was kept for the case of a kill."""
        self._remove_outdated()
        super().after_train(runner)

    def _saves_epoch(self, runner) -> bool:
        return self.every_n_epochs(runner, self.interval, self.save_begin) or (
            self.save_last and self.is_last_train_epoch(runner)
        )

    def _save_checkpoint_with_step(self, runner, step: int, meta: dict) -> None:
        if self.max_keep_ckpts > 0 and step not in list(self.keep_ckpt_ids)[-1:]:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                oldest = self.keep_ckpt_ids.popleft()
                self._outdated.append(self.filename_tmpl.format(oldest))
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        self._write(runner, self.filename_tmpl.format(step), meta)

    def _write(self, runner, name: str, meta: dict) -> None:
        """Write a checkpoint and its path, then remove what it replaces."""
        look_at_losses(runner)  # all processes; then but one of them writes
        hub, path = runner.message_hub, self.file_backend.join_path(self.out_dir, name)
        before = osp.basename(hub.get_info('last_ckpt', None) or '')
        if self.by_epoch and before.startswith(PASSING.partition('{')[0]):
            self._outdated.append(before)
        self.last_ckpt = path
        hub.update_info('last_ckpt', path)
        hub.update_info(OUTDATED, list(self._outdated))
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=meta['epoch'] > runner.epoch,  # FlexibleRunner counts itself
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            write_text(osp.join(runner.work_dir, NAMED), path)
        self._remove_outdated()

    def _save_best_checkpoint(self, runner, metrics: dict) -> None:
        newest, backend = self.last_ckpt, self.file_backend
        removed: list[str] = []
        # Without a newest one MMEngine has nothing to write again.
        self.last_ckpt, self.file_backend = None, _NotesRemovals(backend, removed)
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.last_ckpt, self.file_backend = newest, backend
        # A run that was copied may know them by paths in the old folder.
        self._outdated += map(osp.basename, removed)

    def _remove_outdated(self) -> None:
        """Remove files that a newer one has replaced, unless they are in use."""
        used = {
            self.filename_tmpl.format(i) for i in getattr(self, 'keep_ckpt_ids', ())
        }
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        for path in (self.last_ckpt, getattr(self, 'best_ckpt_path', None), *best):
            used.add(osp.basename(path or ''))
        for name in sorted({*self._outdated} - used) if is_main_process() else ():
            path = self.file_backend.join_path(self.out_dir, name)
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
            elif self.file_backend.isdir(path):  # of DeepSpeed
                self.file_backend.rmtree(path)
        self._outdated = []


def _has_gradients(optimizer) -> bool:
    """Whether gradients wait for those of further batches."""
    steps = getattr(optimizer, '_accumulative_counts', 1)
    return steps > 1 and optimizer._inner_count % steps != 0


class _NotesRemovals:
    """A file backend that only notes what it should remove."""

    def __init__(self, backend, removed: list[str]) -> None:
        self._backend, self._removed = backend, removed

    def remove(self, path: str) -> None:
        self._removed.append(path)

    rmtree = remove

    def __getattr__(self, name: str):
        return getattr(self._backend, name)
