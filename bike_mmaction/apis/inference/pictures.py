"""Results as files: JSON, pictures and annotated videos."""

import os
import os.path as osp
import threading
from collections.abc import Sequence
from typing import Optional

import numpy as np
from tqdm import tqdm

from ...errors import WriteError
from ...files import replaced, write_json
from ...video import has_variable_rate
from ...visualization import write_video
from .drawing import annotate, draw_recognition, draw_windows
from .frames import VideoFile
from .recognition import Recognition
from .sources import Source, times_of
from .subtitles import write_subtitles

FORMATS = ('json', 'png', 'mp4', 'gif', 'srt', 'vtt')
GIF_FPS, GIF_HEIGHT, MP4_HEIGHT = 8, 180, 360


class ResultWriter:
    """Writes what was recognized into a folder.

    A video NAME.mp4 gives ``NAME_bike.json`` and a picture
    ``NAME_bike.png``: its frames with their saliency and attributes (after
    Figure 3), or the confidences over time if it was recognized window by
    window. ``NAME_bike.mp4`` and ``.gif`` are the video with its recognition,
    ``.srt`` and ``.vtt`` subtitles that say what was recognized when.
    Names that occur again get a number; files of an earlier run are replaced.

    Args:
        folder (str): Is made if it is not there.
        formats (Sequence[str]): Of 'json', 'png', 'mp4', 'gif',
            'srt' and 'vtt'. Defaults to ('json', 'png', 'mp4').
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
                if path.endswith(('.srt', '.vtt')):
                    write_subtitles(draft, recognitions, float(times_of(source)[-1]))
                elif not path.endswith('.png'):
                    self._write_video(draft, source, recognitions)
                elif recognitions[0].segment:
                    draw_windows(draft, source, recognitions, self.threshold)
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

    def _write_video(
        self, path: str, source: Source, recognitions: list[Recognition]
    ) -> None:
        gif = path.endswith('.gif')
        indices, fps = _steady_frames(times_of(source), GIF_FPS if gif else None)
        images = annotate(
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
