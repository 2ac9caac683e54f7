"""Results as files: JSON, pictures and annotated videos."""
import json
import os
import os.path as osp
from bisect import bisect_right
from typing import Iterator, List, Sequence

import numpy as np
from tqdm import tqdm

from ..visualization import (draw_overlay, draw_saliency, draw_timeline,
                             write_video)
from ..visualization.colors import class_colors
from ..visualization.timeline import nearest_segments
from .recognition import Recognition, describe
from .sources import Source, frame_rate, open_video, read_frames

FORMATS = ('json', 'png', 'mp4', 'gif')
GIF_FPS, GIF_HEIGHT, MP4_HEIGHT = 8, 180, 360
THUMBNAIL = 256  # pixels of the shorter side
MAX_CURVES = 8


class ResultWriter:
    """Writes what was recognized into a folder.

    A video gives ``NAME.json`` and a picture ``NAME.png``: its frames with
    their saliency and attributes (after Figure 3), or the confidences over
    time if it was recognized window by window. ``NAME.mp4`` and ``NAME.gif``
    are the video with its recognition. Names that occur again get a number.

    Args:
        folder (str): Is made if it is not there.
        formats (Sequence[str]): Of 'json', 'png', 'mp4' and 'gif'.
            Defaults to ('json', 'png', 'mp4').
        threshold (float): A line in the timeline. Defaults to 0: none.
        progress (bool): Whether to show a bar for each video written.
            Defaults to False.

    Raises:
        ValueError: if a format is another.
    """

    def __init__(self,
                 folder: str,
                 formats: Sequence[str] = ('json', 'png', 'mp4'),
                 threshold: float = 0.,
                 progress: bool = False) -> None:
        unknown = [name for name in formats if name not in FORMATS]
        if unknown:
            raise ValueError(f'formats {unknown} are unknown; choose from '
                             f'{FORMATS}')
        os.makedirs(folder, exist_ok=True)
        self.folder, self.formats = folder, tuple(formats)
        self.threshold, self.progress = threshold, progress
        self._used = set()

    def write(self, source: Source, found: List[Recognition]) -> List[str]:
        """Write the files of a video.

        Args:
            source (Source): The video, whole.
            found (list[Recognition]): One, or those of its windows.

        Returns:
            list[str]: The paths. One that could not be read has no pictures.
        """
        stem = self._stem(source.name)
        readable = not any(recognition.error for recognition in found)
        paths = []
        for name in self.formats:
            path = f'{stem}.{name}'
            if name == 'json':
                content = [r.to_dict() for r in found]
                with open(path, 'w', encoding='utf-8') as file:
                    json.dump(
                        content if found[0].segment else content[0],
                        file,
                        indent=1,
                        ensure_ascii=False)
            elif not readable:
                continue
            elif name != 'png':
                self._write_video(path, source, found)
            elif found[0].segment:
                self._draw_timeline(path, source, found)
            else:
                draw_recognition(path, source, found[0])
            paths.append(path)
        return paths

    def _stem(self, name: str) -> str:
        base = osp.splitext(osp.basename(osp.normpath(name)))[0]
        stem, number = base, 1
        while stem in self._used:
            number += 1
            stem = f'{base}_{number}'
        self._used.add(stem)
        return osp.join(self.folder, stem)

    def _draw_timeline(self, path: str, source: Source,
                       found: List[Recognition]) -> None:
        tops = [dict(recognition.predictions) for recognition in found]
        best = {}  # classes by their highest confidence
        for name, value in (item for top in tops for item in top.items()):
            best[name] = max(value, best.get(name, 0))
        labels = {r.label for r in found if r.label}
        names = sorted(best, key=lambda n: (n not in labels, -best[n]))
        names = names[:max(MAX_CURVES, len(labels))]
        total = frame_rate(source)[0]
        indices = [int((i + 0.5) * total / 8) for i in range(8)]
        draw_timeline(
            path, [r.segment for r in found], [r.label for r in found],
            {n: [top.get(n, float('nan')) for top in tops]
             for n in names}, _thumbnails(source, indices), self.threshold,
            osp.basename(source.name))

    def _write_video(self, path: str, source: Source,
                     found: List[Recognition]) -> None:
        gif = path.endswith('.gif')
        total, fps = frame_rate(source)
        step = max(1, round(fps / GIF_FPS)) if gif else 1
        indices = range(0, total, step)
        images = _annotate(source, found, indices, total, fps,
                           GIF_HEIGHT if gif else MP4_HEIGHT)
        write_video(
            path,
            tqdm(
                images,
                osp.basename(path),
                len(indices),
                unit='frame',
                disable=not self.progress), fps / step)


def draw_recognition(path: str, source: Source,
                     recognition: Recognition) -> None:
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
        np.array([recognition.saliency[name] for name in names]), [
            f'{name}  {100 * value:.1f} %'
            for name, value in recognition.predictions
        ],
        title=describe(recognition).split(' (')[0],
        attributes=recognition.attributes)


def _thumbnails(source: Source, indices: Sequence[int]) -> List[np.ndarray]:
    import cv2
    found = []
    for image in read_frames(source, indices):
        scale = min(1, THUMBNAIL / min(image.shape[:2]))
        found.append(
            cv2.resize(
                image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return found


def _annotate(source: Source, found: List[Recognition], indices: Sequence[int],
              total: int, fps: float, height: int) -> Iterator[np.ndarray]:
    colors = class_colors([r.label for r in found] +
                          [name for r in found for name, _ in r.predictions])
    if found[0].segment:
        segments = nearest_segments([r.segment for r in found])
        starts, length = [begin for begin, _ in segments], total / fps
        bars = [(begin / length, end / length, max(0.1, r.predictions[0][1]),
                 colors[r.label]) for (begin, end), r in zip(segments, found)]
    else:
        starts, bars = [0], _saliency_bars(found[0], total, colors)
    count = max(len(r.predictions[:3]) for r in found)
    content = source.content
    if isinstance(content, str):
        content = open_video(source)
    for index in indices:
        place = max(0, bisect_right(starts, index / fps) - 1)
        rows = [(name, value, colors[name])
                for name, value in found[place].predictions[:count]]
        frame = content[index]
        frame = frame if isinstance(frame, np.ndarray) else frame.asnumpy()
        yield draw_overlay(frame, rows, bars, (index + 0.5) / total, height)


def _saliency_bars(recognition: Recognition, total: int, colors) -> List:
    """Of the most likely class; a frame stands for what follows it."""
    name = recognition.predictions[0][0]
    shares = recognition.saliency[name]
    edges = [frame / total for frame in recognition.frames] + [1]
    return [(begin, end, share / max(shares), colors[name])
            for begin, end, share in zip(edges, edges[1:], shares)]
