"""What the buttons of the page do: values of its fields to values of others."""

from collections.abc import Iterator
from typing import Any, Callable, Optional

from ..apis.inference.recognition import Recognition
from .jobs import Jobs
from .models import PageModels
from .moments import Moments
from .tables import tabulate_matches, tabulate_videos
from .text import (
    plain,
    reason_of,
    summarize,
    summarize_videos,
    tabulate,
    without_folder,
)

SCORES = (
    'The better a moment fits the text, the higher its score (a cosine). Scores of '
    'different texts cannot be compared.'
)
FAILURES = (MemoryError, OSError, RuntimeError, ValueError)  # told on the page


class Buttons:
    """What the buttons do.

    Args:
        update (Callable): Of Gradio, a new value of a field.
        models (PageModels): To choose from.
        jobs (Jobs): What they do.
        moments (Moments, optional): The index. Defaults to None: there is none.
    """

    def __init__(
        self,
        update: Callable,
        models: PageModels,
        jobs: Jobs,
        moments: Optional[Moments] = None,
    ) -> None:
        self._update, self._models = update, models
        self._jobs, self._moments = jobs, moments

    def recognize(
        self,
        video: Optional[str],
        classes: Optional[str],
        threshold: Optional[float] = None,
        window: Optional[float] = None,
        others: Optional[bool] = True,
        model: Optional[str] = None,
    ) -> tuple:
        """Recognize one video.

        Args:
            video (str, optional): Path of the uploaded file.
            classes, threshold, window, others, model: See
                :meth:`.PageModels.wanted`.

        Returns:
            tuple: Summary, confidences, path of the picture, table of the
            windows, paths of video and JSON; of unfit input nothing but what
            is wrong with it.
        """
        try:
            if not video:
                raise ValueError('Drop a video first.')
            wanted = self._models.wanted(classes, threshold, window, others, model)
            results, files = self._jobs.recognize(video, wanted)
        except FAILURES as error:
            text = f'## Not recognized\n{plain(reason_of(error))}'
            return without_folder(text, video), *map(self._shown, [None] * 5)
        return (
            without_folder(summarize(results, wanted.threshold), video),
            self._shown(None if window else dict(results[0].predictions)),
            self._shown(files.get('.png')),
            self._shown(tabulate(results) if window else None),
            self._shown(files.get('.mp4')),
            self._shown(files['.json']),
        )

    def recognize_each(
        self,
        videos: Optional[list[str]],
        classes: Optional[str],
        threshold: Optional[float] = None,
        others: Optional[bool] = True,
        model: Optional[str] = None,
    ) -> Iterator[tuple]:
        """Recognize several videos.

        Args:
            videos (list[str], optional): Paths of the uploaded files.
            classes, threshold, others, model: See :meth:`.PageModels.wanted`.

        Yields:
            tuple: How far it is, the table of the videos, and at the end paths
            of CSV and JSON; of unfit input nothing but what is wrong with it.
        """
        done: list[Recognition] = []
        try:
            if not videos:
                raise ValueError('Drop some videos first.')
            wanted = self._models.wanted(classes, threshold, 0, others, model)
            results = self._jobs.recognize_each(videos, wanted)
            yield self._so_far(videos, done)
            for recognition in results:
                done.append(recognition)
                yield self._so_far(videos, done)
            yield self._so_far(videos, done, self._jobs.write_table(done))
        except FAILURES as error:
            text = f'## Not recognized\n{plain(reason_of(error))}'
            yield text, self._shown(None), self._shown(None)

    def _so_far(
        self,
        videos: list[str],
        done: list[Recognition],
        files: Optional[list[str]] = None,
    ) -> tuple:
        table = self._shown(tabulate_videos(videos, done))
        return summarize_videos(videos, done), table, self._shown(files)

    def search(
        self, text: Optional[str], topk: Optional[float], window: Optional[float]
    ) -> tuple:
        """Search the index.

        Args:
            text, topk, window: See :meth:`.Moments.find`.

        Returns:
            tuple: What was searched for, and the table of the videos.
        """
        assert self._moments is not None
        try:
            matches = self._moments.find(text, topk, window)
        except FAILURES as error:
            text = f'## Not searched\n{plain(reason_of(error))}'
            return text, self._shown(None)
        names = [self._moments.name_of(match) for match in matches]
        keys = [self._moments.remember(match) for match in matches]
        keys = [key if self._moments.video_of(key) else '' for key in keys]
        table = tabulate_matches(matches, names, keys)
        return f'## {plain(text)}\n{SCORES}', self._shown(table)

    def _shown(self, value: Any) -> Any:
        """A new value of a field, which is not there if it has none."""
        return self._update(value=value, visible=value is not None)
