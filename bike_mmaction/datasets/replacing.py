"""Other samples in the place of those that cannot be read, in training."""

from typing import Any, Optional

import numpy as np
from mmengine.dataset import BaseDataset

from ..errors import BadVideosError, UnreadableError
from ..files import source_of
from ..video import WorkerError
from .bad_videos import BadVideos
from .isolation import Isolated, random_states, set_random_states
from .transforms.reading import mark_reading, samples_of, without_damage_warnings

MOST_TRIES = 20  # for a sample: so many in a row are no accident
_KEY = 'bad_videos'  # of a data sample


class ReplaceUnreadable:
    """The ``prepare_data`` of a data set, which takes another sample instead.

    Each sample is made in a process of its own, so that a file that crashes
    its decoder, or is not read within the limit, costs no more than itself.
    What cannot be read is replaced by another sample of the same data set.
    It is drawn as MMEngine draws one for a sample that a pipeline refuses:
    by NumPy's random numbers, as they stood when the sample was begun.

    The data sample tells what happened, see :func:`take_bad_videos`.

    Args:
        dataset (BaseDataset): The data set.
        time_limit (float, optional): Seconds for a video file. None: it is
            read in this process, as long as it takes.
        replaces (bool): Whether to replace; else the first unreadable video
            is an error.
    """

    def __init__(
        self, dataset: BaseDataset, time_limit: Optional[float], replaces: bool
    ) -> None:
        self.dataset, self.replaces = dataset, replaces
        self.lost: dict[str, str] = {}  # these are not tried again
        self._damaged: dict[str, str] = {}
        self._marked: Any = None  # the pipeline
        self._reads = False  # whether it reads files at all
        self._isolated = Isolated(self._prepare, time_limit)
        self._untold = BadVideos()

    def __call__(self, index: int) -> Any:
        """A sample: this one, or another one in its place.

        Raises:
            UnreadableError: if there is no other one to take.
            BadVideosError: if too many of them cannot be read, either.
            PipelineError: if a transform fails on a video that was read.
        """
        self._mark_pipeline()
        tried: list[int] = []
        while True:
            info = self.dataset.get_data_info(index)
            file, states = source_of(info), random_states()
            try:
                data, damaged = self._read(index, file, 'filename' in info)
                break
            except UnreadableError as error:
                if not self.replaces:
                    raise
                set_random_states(states)
                tried.append(index)
                self._untold.unreadable[file] = reason = _naming(file, error)
                index = self._draw(tried, reason)
        self._untold.damaged.update(damaged)
        self._untold.replaced += bool(tried)
        return self._told(data)

    def _read(self, index: int, file: str, is_video: bool) -> tuple[Any, dict]:
        """A sample, and what is missing of its file."""
        if file in self.lost:
            raise UnreadableError(self.lost[file])
        if not (is_video and self._reads):  # frames are files of their own
            return self._prepare(index)
        try:
            return self._isolated(index)
        except WorkerError as error:
            self.lost[file] = reason = str(error.of_video(file))
            self._untold.lost[file] = reason
            raise UnreadableError(reason) from error

    def _prepare(self, index: int) -> tuple[Any, dict[str, str]]:
        self._damaged.clear()
        with without_damage_warnings():
            # Of the class: that of the data set itself is this object.
            data = type(self.dataset).prepare_data(self.dataset, index)
        return data, dict(self._damaged)

    def _mark_pipeline(self) -> None:
        """Also one that takes the place of another during training."""
        pipeline = self.dataset.pipeline
        if pipeline is not self._marked:
            self._reads = mark_reading(pipeline.transforms, self._damaged)
            self._isolated.close()
            self._marked = pipeline

    def _draw(self, tried: list[int], reason: str) -> int:
        """Another sample than those that were tried."""
        left = len(self.dataset) - len(tried)
        if not left or len(tried) >= MOST_TRIES:
            raise BadVideosError(
                f'{len(tried)} samples in a row, drawn by chance, cannot be read; '
                f'the last one: {reason}'
            )
        index = int(np.random.randint(left))
        for other in sorted(tried):
            index += index >= other
        return index

    def _told(self, data: Any) -> Any:
        """The sample, which tells of bad videos.

        Where a pipeline refuses it, MMEngine takes another, which tells.
        """
        if data is None or not self._untold:
            return data
        samples = samples_of(data)
        if samples:
            samples[0].set_field(self._untold, _KEY)
        elif self._untold.unreadable:  # nobody would ever know
            raise UnreadableError(next(iter(self._untold.unreadable.values())))
        self._untold = BadVideos()
        return data


def _naming(file: str, error: Exception) -> str:
    return str(error) if f"'{file}'" in str(error) else f"cannot use '{file}': {error}"


def replace_unreadable(
    dataset: BaseDataset, time_limit: Optional[float], replaces: bool
) -> ReplaceUnreadable:
    """Let a data set take other samples in place of those it cannot read."""
    preparing = ReplaceUnreadable(dataset, time_limit, replaces)
    vars(dataset)['prepare_data'] = preparing
    return preparing


def take_bad_videos(batch: Any) -> BadVideos:
    """What the samples of a batch tell of bad videos; they tell it once."""
    bad = BadVideos()
    for sample in samples_of(batch):
        if _KEY in sample:
            bad.add(sample.pop(_KEY))
    return bad
