"""Training that goes on past videos that cannot be read, and says so."""

import logging
from collections import Counter
from typing import Any, Optional

from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, get_world_size, master_only
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop

from ..datasets.bad_videos import (
    FILE_NAME,
    MOST_NAMED,
    BadVideos,
    name_some,
    sentences_of,
    write_bad_videos,
)
from ..datasets.entries import annotated
from ..datasets.replacing import ReplaceUnreadable, replace_unreadable, take_bad_videos
from ..errors import BadVideosError
from ..files import source_of
from ..video import TIME_LIMIT
from .finite import on_any_rank

_FEW = 5  # videos that may be bad in a small data set, too
_INTERVAL = 20  # iterations, after which the processes tell each other


def go_on_in_validation(cfg) -> None:
    """Let a validation by MMEngine's loop go on past such videos, too.

    Args:
        cfg (Config): The config to change.
    """
    loop = cfg.get('val_cfg') or {}
    if loop and loop.get('type', 'ValLoop') == 'ValLoop':
        loop['type'] = 'ReportingValLoop'


@HOOKS.register_module()
class ReplaceBadVideos(Hook):
    """Train on past videos that cannot be read, up to a share of them.

    Another sample of the data set takes the place of each, see
    :class:`.ReplaceUnreadable`. They are named in the log and, all of them,
    in ``bad_videos.json`` beside it; so are damaged ones, which are used as
    far as they can be read. All processes and their loaders count together.

    Args:
        share (float): Of the videos of the training set, so many may be
            unreadable; one more ends the run. Five may be so in any set, but
            not more than half of it. With 0 the first one ends the run.
            Defaults to 0.01.
        time_limit (float, optional): Seconds for a sample to be read in.
            Defaults to 60. None: as long as it takes, and a file that
            crashes its decoder ends the run.

    Raises:
        ValueError: if an argument is out of its range.
    """

    # Should the end of an epoch show too many, its checkpoint is written.
    priority = 'LOWEST'

    def __init__(
        self, share: float = 0.01, time_limit: Optional[float] = TIME_LIMIT
    ) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f'bad_videos.share={share} must be from 0 to 1')
        if time_limit is not None and not time_limit > 0:
            raise ValueError(f'bad_videos.time_limit={time_limit} must be positive')
        self.share, self.time_limit = share, time_limit
        self.bad, self._own = BadVideos(), BadVideos()  # of all, and not yet told
        self._parts: list[ReplaceUnreadable] = []
        self._named: Counter[str] = Counter()
        self._has_unnamed = False
        self._videos: Optional[int] = None

    def before_run(self, runner) -> None:
        """Change how the training set makes its samples."""
        if not isinstance(runner._train_loop, BaseLoop):
            return  # it is a test
        self._parts = [
            replace_unreadable(dataset, self.time_limit, replaces=self.share > 0)
            for dataset in annotated(runner.train_dataloader.dataset)
        ]

    def before_train_iter(self, runner, batch_idx: int, data_batch: Any = None) -> None:
        """Note what the samples of a batch tell.

        Raises:
            BadVideosError: if too many videos cannot be read.
        """
        self._own.add(take_bad_videos(data_batch))
        if get_world_size() == 1 or runner.iter % _INTERVAL == 0:
            self._gather(runner)

    def after_train_epoch(self, runner) -> None:
        """Gather; say how many there are where not all of them were named."""
        self._gather(runner)
        if self._has_unnamed:
            self._has_unnamed = False
            self._tell(runner, 'Training so far')

    def after_train(self, runner) -> None:
        """The final report."""
        self._gather(runner)
        if self.bad:
            self._tell(runner, 'Training')
        else:
            print_log('Training: all videos could be read', 'current')

    def _gather(self, runner) -> None:
        """Exchange what is new between all processes; tell and judge it."""
        own, self._own = self._own, BadVideos()
        if not on_any_rank(bool(own)):
            return
        news = [self.bad.add(one) for one in all_gather_object(own)]
        if not any(news):
            return
        for part in self._parts:  # workers that start later know of them
            part.lost.update(self.bad.lost)
        for new in news:
            self._name('Not used for training', list(new.unreadable.values()))
            self._name('Damaged, but used for training', sentences_of(new.damaged))
        self._write(runner)
        self._judge(runner)

    def _name(self, what: str, sentences: list[str]) -> None:
        """The first ones in full; a file names the others."""
        for sentence in sentences:
            self._named[what] += 1
            if self._named[what] <= MOST_NAMED:
                print_log(f'{what}: {sentence}', 'current', logging.WARNING)
            else:
                self._has_unnamed = True

    def _tell(self, runner, begin: str) -> None:
        bad, videos = self.bad, self._number_of_videos(runner)
        print_log(
            f'{begin}: of {videos} videos {len(bad.unreadable)} could not be read '
            f'({bad.replaced} samples were replaced by others), {len(bad.damaged)} '
            f'are damaged and were used. All of them: {self._write(runner)}',
            'current',
            logging.WARNING,
        )

    @master_only
    def _write(self, runner) -> str:
        return write_bad_videos(
            runner.log_dir,
            'training',
            dict(
                videos=self._number_of_videos(runner),
                replaced_samples=self.bad.replaced,
                **self.bad.as_json(),
            ),
        )

    def _judge(self, runner) -> None:
        videos, bad = self._number_of_videos(runner), self.bad.unreadable
        allowed = max(int(self.share * videos), min(_FEW, videos // 2))
        if len(bad) > allowed:
            raise BadVideosError(
                f'{len(bad)} of {videos} videos of the training set could not be '
                f'read, more than the {allowed} that '
                f'default_hooks.bad_videos.share={self.share:g} allows: '
                f'{name_some(list(bad.values()))}. '
                f"'{runner.log_dir}/{FILE_NAME}' names all of them; `bike "
                'check-videos CONFIG --split train` finds them beforehand and '
                'writes a list without them'
            )

    def _number_of_videos(self, runner) -> int:
        """Files, or folders of frames; there may be several samples of each."""
        if self._videos is None:
            datasets = annotated(runner.train_dataloader.dataset)
            self._videos = len(
                {
                    source_of(dataset.get_data_info(i))
                    for dataset in datasets
                    for i in range(len(dataset))
                }
            )
        return self._videos
