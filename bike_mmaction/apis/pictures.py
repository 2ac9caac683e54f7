"""Results as files: JSON, pictures and annotated videos."""

import os
import os.path as osp
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np
from tqdm import tqdm

from ..errors import WriteError
from ..files import replaced, write_json
from ..video import has_variable_rate
from ..visualization import draw_overlay, draw_saliency, draw_timeline, write_video
from ..visualization.colors import class_colors
from ..visualization.timeline import nearest_segments
from .frames import VideoFile
from .recognition import Recognition
from .sources import Source, images_of, times_of

FORMATS = ('json', 'png', 'mp4', 'gif')
GIF_FPS, GIF_HEIGHT, MP4_HEIGHT = 8, 180, 360
THUMBNAIL = 256  # pixels of the shorter side
MAX_CURVES = 8


class ResultWriter:
    """Writes what was recognized into a folder.

    A video NAME.mp4 gives ``NAME_bike.json`` and a picture
    ``NAME_bike.png``: its frames with their saliency and attributes (after
    Figure 3), or the confidences over time if it was recognized window by
    window. ``NAME_bike.mp4`` and ``.gif`` are the video with its recognition.
    Names that occur again get a number; files of an earlier run are replaced.

    Args:
        folder (str): Is made if it is not there.
        formats (Sequence[str]): Of 'json', 'png', 'mp4' and 'gif'.
            Defaults to ('json', 'png', 'mp4').
        threshold (float): A line in the timeline. Defaults to 0: none.
        progress (bool): Whether to show a bar for each video written.
            Defaults to False.

    Raises:
        OSError: if the folder cannot be written to.
        ValueError: if a format is another.
    """

    def __init__(
        self,
        folder: str,
        formats: Sequence[str] = ('json', 'png', 'mp4'),
        threshold: float = 0.0,
        progress: bool = False,
    ) -> None:
        unknown = [name for name in formats if name not in FORMATS]
        if unknown:
            raise ValueError(f'formats {unknown} are unknown; choose from {FORMATS}')
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"cannot write to '{folder}'")
        self.folder, self.formats = os.fspath(folder), tuple(formats)
        self.threshold, self.progress = threshold, progress
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def write(self, source: Source, recognitions: list[Recognition]) -> list[str]:
        """Write the files of a video.

        A recognition is not lost with a picture: where one cannot be
        made, the first of ``recognitions`` gets a ``warning``.

        Args:
            source (Source): The video, whole.
            recognitions (list[Recognition]): One, or those of its windows.

        Returns:
            list[str]: The paths. One that could not be read has no pictures.

        Raises:
            WriteError: if the disk is full; names the file.
        """
        stem = self._stem(source)
        paths: list[str] = []
        readable = not all(recognition.error for recognition in recognitions)
        pictures = [name for name in self.formats if name != 'json']
        try:
            for name in pictures * readable:
                if self._draw(f'{stem}.{name}', source, recognitions):
                    paths.append(f'{stem}.{name}')
        finally:  # also if Ctrl-C has ended a long video
            if 'json' in self.formats:
                paths.append(f'{stem}.json')
                content = [r.to_dict() for r in recognitions]
                write_json(
                    paths[-1], content if recognitions[0].segment else content[0]
                )
        return paths

    def _draw(self, path: str, source: Source, recognitions: list[Recognition]) -> bool:
        try:
            with replaced(path) as draft:
                if not path.endswith('.png'):
                    self._write_video(draft, source, recognitions)
                elif recognitions[0].segment:
                    self._draw_timeline(draft, source, recognitions)
                else:
                    draw_recognition(draft, source, recognitions[0])
        except WriteError:
            raise
        except Exception as error:  # decoders and encoders have many
            reason = (str(error).strip() or type(error).__name__).splitlines()
            text = f"no '{osp.basename(path)}': {reason[0]}"
            recognitions[0].warning = '; '.join(
                filter(None, (recognitions[0].warning, text))
            )
            return False
        return True

    def _stem(self, source: Source) -> str:
        base = osp.basename(source.name)
        if osp.isdir(source.name):  # of frames, perhaps '.'
            base = osp.basename(osp.realpath(source.name))
        elif isinstance(source.content, VideoFile):
            base = osp.splitext(base)[0]
        # Never the name of the video itself, should it lie there.
        base = f'{base}_bike'
        stem, number = base, 1
        with self._lock:
            while stem in self._used:
                number += 1
                stem = f'{base}_{number}'
            self._used.add(stem)
        return osp.join(self.folder, stem)

    def _draw_timeline(
        self, path: str, source: Source, recognitions: list[Recognition]
    ) -> None:
        tops = [dict(recognition.predictions) for recognition in recognitions]
        best: dict[str, float] = {}  # classes by their highest confidence
        for name, value in (item for top in tops for item in top.items()):
            best[name] = max(value, best.get(name, 0))
        labels = {r.label for r in recognitions if r.label}
        names = sorted(best, key=lambda n: (n not in labels, -best[n]))
        times = times_of(source)
        moments = (np.arange(8) + 0.5) * times[-1] / 8
        indices = np.searchsorted(times[:-1], moments, 'right') - 1
        draw_timeline(
            path,
            _segments(recognitions),
            [r.label for r in recognitions],
            {n: [top.get(n, float('nan')) for top in tops] for n in names[:MAX_CURVES]},
            _thumbnails(source, indices.clip(0).tolist()),
            self.threshold,
            osp.basename(source.name),
        )

    def _write_video(
        self, path: str, source: Source, recognitions: list[Recognition]
    ) -> None:
        gif = path.endswith('.gif')
        indices, fps = _steady_frames(times_of(source), GIF_FPS if gif else None)
        images = _annotate(
            source, recognitions, indices, GIF_HEIGHT if gif else MP4_HEIGHT
        )
        write_video(
            path,
            tqdm(
                images,
                osp.basename(source.name),
                len(indices),
                unit='frame',
                disable=not self.progress or None,
            ),
            fps,
        )


def _steady_frames(
    times: np.ndarray, most: Optional[float]
) -> tuple[Sequence[int], float]:
    """Frames that play at the right speed one after the other.

    Args:
        times (np.ndarray): When each frame is shown, and when the last one
            ends, in seconds [N + 1].
        most (float, optional): Frames a second that are about enough.

    Returns:
        tuple[Sequence[int], float]: Their numbers, ascending, and how many a
        second: of a constant rate all, or every second, third ...
    """
    total = len(times) - 1
    fps = total / float(times[-1] - times[0])
    step = max(1, round(fps / most)) if most else 1
    if not has_variable_rate(times):
        return range(0, total, step), fps / step
    moments = np.arange(times[0], times[-1], step / fps)
    indices = np.searchsorted(times, moments + 1e-6, 'right') - 1
    return indices.clip(0, total - 1).tolist(), fps / step


def draw_recognition(path: str, source: Source, recognition: Recognition) -> None:
    """Draw the frames of a video, their saliency and the attributes.

    Args:
        path (str): Image file to write; its suffix tells the format.
        source (Source): The video.
        recognition (Recognition): What was recognized in it.
    """
    names = [name for name, _ in recognition.predictions]
    draw_saliency(
        path,
        _thumbnails(source, recognition.frames),
        np.array([recognition.saliency[name] for name in names]),
        [f'{name}  {100 * value:.1f} %' for name, value in recognition.predictions],
        title=f'{osp.basename(source.name)}: {recognition.label or "none of these"}',
        attributes=recognition.attributes,
    )


def _thumbnails(source: Source, indices: Sequence[int]) -> list[np.ndarray]:
    import cv2

    thumbnails = []
    for image in images_of(source).frames(indices):
        scale = min(1, THUMBNAIL / min(image.shape[:2]))
        thumbnails.append(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        )
    return thumbnails


def _annotate(
    source: Source, recognitions: list[Recognition], indices: Sequence[int], height: int
) -> Iterator[np.ndarray]:
    times = times_of(source)
    length = float(times[-1])
    colors = class_colors(
        [r.label for r in recognitions]
        + [name for r in recognitions for name, _ in r.predictions]
    )
    if recognitions[0].segment:
        segments = nearest_segments(_segments(recognitions))
        starts = [begin for begin, _ in segments]
        # Low but visible, also of windows that could not be read.
        values = [max([0.1] + [v for _, v in r.predictions]) for r in recognitions]
        bars = [
            (begin / length, end / length, value, colors[r.label])
            for (begin, end), value, r in zip(segments, values, recognitions)
        ]
    else:
        starts, bars = [0], _saliency_bars(recognitions[0], times, colors)
    count = max(len(r.predictions[:3]) for r in recognitions)
    images = images_of(source).iterate(indices)
    for index, image in zip(indices, images):
        place = max(0, bisect_right(starts, times[index]) - 1)
        rows = [
            (name, value, colors[name])
            for name, value in recognitions[place].predictions[:count]
        ]
        rows += [('', 0.0, colors[None])] * (count - len(rows))
        middle = (times[index] + times[index + 1]) / 2
        yield draw_overlay(image, rows, bars, middle / length, height)


def _segments(recognitions: list[Recognition]) -> list[tuple[float, float]]:
    """Begin and end of each window, in seconds."""
    return [r.segment for r in recognitions if r.segment]


def _saliency_bars(recognition: Recognition, times: np.ndarray, colors) -> list:
    """Of the most likely class; a frame stands for what follows it."""
    name = recognition.predictions[0][0]
    shares = recognition.saliency[name]
    edges = [float(times[i] / times[-1]) for i in recognition.frames] + [1.0]
    return [
        (begin, end, share / max(shares), colors[name])
        for begin, end, share in zip(edges, edges[1:], shares)
    ]
