"""Segments of untrimmed videos: training on Charades and ActivityNet."""

from bisect import bisect_right
from typing import Any, Union

import numpy as np
from mmaction.datasets import RawframeDataset, VideoDataset
from mmaction.registry import DATASETS, TRANSFORMS
from mmcv.transforms import BaseTransform

from ..compat.mmaction2_lists import check_entries
from ..errors import ListError
from ..text_files import read_lines, shorten
from ..video import VideoReader

_SAME = 1e-6  # seconds: less than this is what rounding makes of one moment


def frames_between(segment: tuple[float, float], times: np.ndarray) -> tuple[int, int]:
    """Frames of a segment: at least one, as far as they exist.

    The first one is what a player shows at its begin, and the last one is
    over at its end.

    Args:
        segment (tuple[float, float]): Begin and end in seconds.
        times (np.ndarray): When each frame is shown, and when the last one
            ends, in seconds [N + 1].

    Returns:
        tuple[int, int]: Number of frames before the segment, and in it: 0 if
        it begins behind the last frame.
    """
    total = len(times) - 1
    first, last = (bisect_right(times, time + _SAME) - 1 for time in segment)
    first = max(first, 0)  # pictures may begin after the sound
    return first, max(0, min(max(last, first + 1), total) - first)


def times_of(reader: Any, total: int) -> np.ndarray:
    """When the frames of a reader are shown, and when the last one ends.

    Of MMAction2's readers only the average rate is known.

    Args:
        reader: A :class:`~bike_mmaction.video.VideoReader`, or what
            ``DecordInit``, ``PyAVInit`` or ``OpenCVInit`` opens.
        total (int): Number of frames.

    Returns:
        np.ndarray: Seconds [total + 1].

    Raises:
        ValueError: if nothing tells them.
    """
    if isinstance(reader, VideoReader):
        return reader.times
    if hasattr(reader, 'get_avg_fps'):  # of decord
        rate = reader.get_avg_fps()
    elif hasattr(reader, 'streams'):  # of PyAV
        rate = reader.streams.video[0].average_rate
    else:  # of OpenCV
        rate = getattr(reader, 'fps', None)
    if not rate or not 0 < rate < float('inf'):
        raise ValueError(
            f'a {type(reader).__name__} with {rate} frames a second does not tell '
            "when its frames are shown: open videos with dict(type='VideoInit')"
        )
    return constant_times(total, float(rate))


def constant_times(total: int, rate: float) -> np.ndarray:
    """Times as in :func:`frames_between`, at a constant rate."""
    return np.arange(total + 1) / rate


def segment_frames(
    segment: tuple[float, float], fps: float, total: int
) -> tuple[int, int]:
    """Frames of a segment at a constant rate: at least one, as far as they exist.

    Args:
        segment (tuple[float, float]): Begin and end in seconds.
        fps (float): Frames per second.
        total (int): Frames of the video.

    Returns:
        tuple[int, int]: Number of frames before the segment, and in it: 0 if
        it begins behind the last frame.
    """
    return frames_between(segment, constant_times(total, fps))


@DATASETS.register_module()
class VideoSegmentDataset(VideoDataset):
    """Segments of video files, each with one label.

    A line of the annotation file is ``path start end label``, the times in
    seconds; with ``multi_class=True`` there may be several labels, or none.
    :class:`KeepSegment` behind ``VideoInit`` cuts the segment out.
    For extracted frames there is MMAction2's
    ``RawframeDataset(with_offset=True)``.

    Args:
        ann_file (str): Path of the annotation file.
        pipeline (list[dict]): The pipeline.
        **kwargs: Further arguments of ``VideoDataset``.

    Raises:
        ListError: if a line has another form; names file and line.
    """

    def load_data_list(self) -> list[dict]:
        """Read the annotation file."""
        entries = []
        delimiter = None if self.delimiter == ' ' else self.delimiter
        for number, line in read_lines(self.ann_file):
            try:
                path, start, end, *labels = line.split(delimiter)
                segment = float(start), float(end)
                if not 0 <= segment[0] < segment[1] < float('inf'):
                    raise ValueError
                label = self._label_of(labels)
            except ValueError:
                raise ListError(
                    f"'{self.ann_file}' line {number}: expected 'path start "
                    f"end label' with 0 <= start < end in seconds, got "
                    f'{shorten(line)}. `bike prepare` writes such lists'
                ) from None
            folder = self.data_prefix['video']
            entries.append(
                dict(
                    filename=f'{folder}/{path}' if folder else path,
                    segment=segment,
                    label=label,
                )
            )
        check_entries(self.ann_file, entries, 'filename', False, 'path start end label')
        return entries

    def _label_of(self, labels: list[str]) -> Union[int, list[int]]:
        """The label of a line, or its labels where there may be several.

        Raises:
            ValueError: if they are no numbers of classes, or not one.
        """
        numbers = [int(label) for label in labels]
        if not self.multi_class:
            (number,) = numbers
            return number
        if not all(0 <= number < self.num_classes for number in numbers):
            raise ValueError
        return numbers


@DATASETS.register_module()
class NamedFrameDataset(RawframeDataset):
    """Extracted frames whose names repeat that of their video.

    Args:
        filename_tmpl (str): Name of frame number i, with ``{video}`` for the
            name of the folder, such as '{video}-{:06}.jpg' for the frames
            that Charades is published as.
        **kwargs: Further arguments of ``RawframeDataset``.
    """

    def __init__(self, *args, filename_tmpl: str, **kwargs) -> None:
        super().__init__(*args, filename_tmpl=filename_tmpl, **kwargs)

    def get_data_info(self, idx: int) -> dict:
        """Information of a video, with its own ``filename_tmpl``."""
        info = super().get_data_info(idx)
        name = info['frame_dir'].rstrip('/').rsplit('/', 1)[-1]
        info['filename_tmpl'] = self.filename_tmpl.replace('{video}', name)
        return info


@TRANSFORMS.register_module()
class KeepSegment(BaseTransform):
    """Let the next transforms see a segment of the video only.

    Required keys: segment, video_reader (of ``VideoInit``, or of
    MMAction2's transforms), total_frames, start_index. Modified keys:
    total_frames, start_index. Without ``segment`` nothing changes.
    """

    def transform(self, results: dict) -> dict:
        """Turn seconds into frames.

        Raises:
            ValueError: if the segment begins behind the end of the video.
        """
        if 'segment' not in results:
            return results
        start, end = results['segment']
        times = times_of(results['video_reader'], results['total_frames'])
        first, count = frames_between((start, end), times)
        if not count:
            raise ValueError(
                f'the segment from {start} to {end} s begins behind the end '
                f'of the video ({times[-1]:.2f} s)'
            )
        results['start_index'] += first
        results['total_frames'] = count
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'
