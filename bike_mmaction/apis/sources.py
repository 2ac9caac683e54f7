"""What can be recognized: files, folders and arrays, as a pipeline sees it."""
import os
import os.path as osp
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from mmengine.dataset import Compose

from ..compat import PipelineError, explain
from ..datasets.annotation import EXTENSIONS
from ..datasets.segments import segment_frames

IMAGES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
Segment = Tuple[float, float]


class Source(NamedTuple):
    """A video, or a segment of one.

    Attributes:
        name (str): For results and messages.
        content (str | Sequence): Path of a video file, or images
            [H, W, 3], RGB, uint8.
        segment (tuple[float, float], optional): Begin and end in seconds.
        fps (float): Frames per second of images. Defaults to 25.
    """
    name: str
    content: Any
    segment: Optional[Segment] = None
    fps: float = 25.


class ImageFolder:
    """The images of a folder in the order of their names, read when needed.

    Args:
        path (str): The folder.
    """

    def __init__(self, path: str) -> None:
        self.paths = [
            osp.join(path, name) for name in sorted(os.listdir(path))
            if name.lower().endswith(IMAGES)
        ]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        import cv2
        image = cv2.imread(self.paths[index])
        if image is None:
            raise ValueError(f"'{self.paths[index]}' is no image")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_frames(source: Source, indices: Sequence[int]) -> List[np.ndarray]:
    """Some frames of a video that can be read, as a person sees them.

    Args:
        source (Source): The video; frames are counted from its begin.
        indices (Sequence[int]): Their numbers.

    Returns:
        list[np.ndarray]: Images [H, W, 3], RGB, uint8.
    """
    content = source.content
    if isinstance(content, str):
        content = open_video(source)
        return list(content.get_batch(list(indices)).asnumpy())
    return [content[i] for i in indices]


def frame_rate(source: Source) -> Tuple[int, float]:
    """Number of frames, and how many there are in a second.

    Raises:
        PipelineError: if it is a file that cannot be read.
    """
    if not isinstance(source.content, str):
        return len(source.content), source.fps
    reader = open_video(source)
    return len(reader), reader.get_avg_fps()


def open_video(source: Source):
    """Open a file with decord.

    Raises:
        PipelineError: if it cannot be read; names it.
    """
    import decord
    try:
        return decord.VideoReader(source.content, num_threads=1)
    except Exception as error:
        raise PipelineError(explain(source.name, error)) from error


def find_sources(inputs) -> List[Source]:
    """Videos behind what a user gave.

    Args:
        inputs: A video file; a folder of videos, or of the frames of one; an
            array of frames [T, H, W, 3], RGB, uint8; or several of these.

    Returns:
        list[Source]: In their order; those of a folder by name.

    Raises:
        TypeError: if it is none of these.
        ValueError: if a folder has neither videos nor images, or an array
            another shape.
    """
    if isinstance(inputs, (list, tuple)):
        return [source for one in inputs for source in find_sources(one)]
    if isinstance(inputs, np.ndarray):
        if inputs.ndim != 4 or inputs.shape[-1] != 3 or not len(inputs) or \
                inputs.dtype != np.uint8:
            raise ValueError('expected frames [T, H, W, 3], uint8, got '
                             f'{inputs.shape}, {inputs.dtype}')
        return [Source('array', inputs)]
    if not isinstance(inputs, (str, os.PathLike)):
        raise TypeError('expected a path, an array of frames, or a list of '
                        f'these, got a {type(inputs).__name__}')
    path = os.fspath(inputs)
    if not osp.isdir(path):
        return [Source(path, path)]
    videos = [
        osp.join(path, name) for name in sorted(os.listdir(path))
        if name.lower().endswith(EXTENSIONS)
    ]
    if videos:
        return [Source(video, video) for video in videos]
    images = ImageFolder(path)
    if not len(images):
        raise ValueError(f"'{path}' has neither videos "
                         f"({', '.join(EXTENSIONS)}) nor images")
    return [Source(path, images)]


def windows_of(source: Source, window: float, stride: float) -> List[Source]:
    """Cut a video into windows; the last one ends with the video.

    Args:
        source (Source): The video.
        window (float): Length of a window, in seconds.
        stride (float): From one begin to the next, in seconds.

    Raises:
        ValueError: if a length is not positive.
        PipelineError: if the video cannot be read.
    """
    if window <= 0 or stride <= 0:
        raise ValueError(f'window={window} and stride={stride} must be '
                         'positive')
    count, fps = frame_rate(source)
    duration = count / fps
    count = 1 + max(0, int(np.ceil((duration - window) / stride - 1e-6)))
    starts = [min(i * stride, max(duration - window, 0)) for i in range(count)]
    return [
        source._replace(segment=(s, min(s + window, duration))) for s in starts
    ]


class SourceReader:
    """The pipeline of a config, for files and for images.

    Args:
        pipeline (Sequence[dict]): That of a test, on video files.
    """

    def __init__(self, pipeline: Sequence[dict]) -> None:
        steps = [
            dict(step) for step in pipeline
            if step['type'] not in ('LoadAttributes', 'KeepSegment')
        ]
        names = [step['type'] for step in steps]
        if 'DecordInit' not in names or 'DecordDecode' not in names:
            raise ValueError('the test pipeline must read video files with '
                             f'DecordInit and DecordDecode, got {names}')
        steps[-1].pop('algorithm_keys', None)
        steps[-1]['meta_keys'] = ('filename', 'frame_inds', 'fps')
        files, images = list(steps), []
        files.insert(names.index('DecordInit') + 1, dict(type='KeepSegment'))
        for step in steps:
            if step['type'] == 'DecordDecode':
                images.append(dict(type='ArrayDecode'))
            elif step['type'] != 'DecordInit':
                images.append(step)
        self._files, self._images = Compose(files), Compose(images)

    def __call__(self, source: Source) -> Dict[str, Any]:
        """Read a source: inputs and data sample.

        Raises:
            PipelineError: if it cannot be read; names it.
        """
        info = dict(
            filename=source.name, modality='RGB', start_index=0, label=-1)
        if isinstance(source.content, str):
            if source.segment:
                info['segment'] = source.segment
            return self._files(info)
        first, count = 0, len(source.content)
        if source.segment:
            first, count = segment_frames(source.segment, source.fps, count)
        info.update(array=source.content, offset=first, total_frames=count)
        return self._images(info)
