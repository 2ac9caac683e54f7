"""Which frames of a video a model sees."""

import numpy as np
from mmaction.datasets.transforms import DenseSampleFrames, SampleFrames
from mmaction.registry import TRANSFORMS


def segment_starts(total_frames: int, clip_len: int, num_clips: int) -> np.ndarray:
    """First frames of the segments, as the reference tests.

    A video is cut into ``clip_len`` segments. A clip takes a frame from each;
    clip after clip moves from the first frame of the segments to the last.
    Where segments are shorter than a frame, the further clips start one frame
    before the video, which stands for its last frame.

    Args:
        total_frames (int): Length of the video, in frames.
        clip_len (int): T, frames per clip.
        num_clips (int): Clips (temporal views).

    Returns:
        np.ndarray: Indices [num_clips, clip_len] from 0; ascending in a clip,
        but for that last frame.
    """
    segment = total_frames / clip_len
    shifts = np.floor(np.linspace(0, segment - 1, num_clips))
    moments = shifts[:, None] + segment * np.arange(clip_len)
    return moments.astype(int) % total_frames


def random_in_segments(total_frames: int, clip_len: int, num_clips: int) -> np.ndarray:
    """A random frame of each segment, as the reference trains.

    The last frame of a segment is the first of the next: both may draw it.

    Args:
        total_frames (int): Length of the video, in frames.
        clip_len (int): T, frames per clip.
        num_clips (int): Clips to draw.

    Returns:
        np.ndarray: Indices [num_clips, clip_len] from 0, ascending in a clip.
    """
    segment = (total_frames - 1) / clip_len
    edges = np.round(segment * np.arange(clip_len + 1)).astype(int)
    return np.random.randint(edges[:-1], edges[1:] + 1, size=(num_clips, clip_len))


@TRANSFORMS.register_module()
class SparseSampleFrames(SampleFrames):
    """Sample frames all over the video (BIKE section 3.1, "sparsely").

    In training a random frame of each of ``clip_len`` equal segments; in
    testing the segments' first frames, moved along for further clips.
    MMAction2's samplers take the segments' middles instead.

    Required keys: total_frames, start_index. Added keys: frame_inds,
    clip_len, frame_interval, num_clips.

    Args:
        clip_len (int): T, frames per clip.
        num_clips (int): Clips (temporal views). Defaults to 1.
        test_mode (bool): Whether to sample without chance.
            Defaults to False.

    Raises:
        ValueError: if an argument is not positive, or a video has no frames.
    """

    def __init__(
        self, clip_len: int, num_clips: int = 1, test_mode: bool = False
    ) -> None:
        _check_positive(clip_len, num_clips)
        super().__init__(clip_len, num_clips=num_clips, test_mode=test_mode)

    def transform(self, results: dict) -> dict:
        """Add ``frame_inds`` [num_clips · clip_len], clip after clip."""
        _check_length(results)
        sample = segment_starts if self.test_mode else random_in_segments
        indices = sample(results['total_frames'], self.clip_len, self.num_clips)
        results['frame_inds'] = indices.reshape(-1) + results['start_index']
        results['clip_len'] = self.clip_len
        results['frame_interval'] = None
        results['num_clips'] = self.num_clips
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(clip_len={self.clip_len}, '
            f'num_clips={self.num_clips}, test_mode={self.test_mode})'
        )


@TRANSFORMS.register_module()
class DenseClipSampleFrames(DenseSampleFrames):
    """Clips of frames at a fixed distance, each from a part of the video.

    MMAction2's ``DenseSampleFrames``, for models of clips instead of single
    images: ``clip_len`` frames spread over ``sample_range`` frames. In
    training from a random start; in testing ``num_clips`` starts, evenly
    spread over the video. A shorter video begins anew at its end.

    Required and added keys are those of :class:`SparseSampleFrames`.

    Args:
        clip_len (int): T, frames per clip.
        num_clips (int): Clips (temporal views). Defaults to 1.
        sample_range (int): Frames of the video that a clip covers. Defaults
            to 64.
        test_mode (bool): Whether to sample without chance.
            Defaults to False.

    Raises:
        ValueError: if an argument is not positive, a clip has more frames
            than ``sample_range``, or a video has none.
    """

    def __init__(
        self,
        clip_len: int,
        num_clips: int = 1,
        sample_range: int = 64,
        test_mode: bool = False,
    ) -> None:
        _check_positive(clip_len, num_clips)
        if sample_range < clip_len:
            raise ValueError(
                f'sample_range={sample_range} must be at least clip_len={clip_len}'
            )
        # For MMAction2, T clips of a frame each from every position.
        super().__init__(
            clip_len=1,
            num_clips=clip_len,
            sample_range=sample_range,
            num_sample_positions=num_clips,
            test_mode=test_mode,
        )

    def _get_train_clips(self, num_frames: int) -> np.ndarray:
        draw = super()._get_train_clips
        return np.concatenate(
            [draw(num_frames) for _ in range(self.num_sample_positions)]
        )

    def transform(self, results: dict) -> dict:
        """Add ``frame_inds`` [num_clips · clip_len], clip after clip."""
        _check_length(results)
        results = super().transform(results)
        results['clip_len'] = self.num_clips
        results['frame_interval'] = self.sample_range // self.num_clips
        results['num_clips'] = self.num_sample_positions
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(clip_len={self.num_clips}, '
            f'num_clips={self.num_sample_positions}, '
            f'sample_range={self.sample_range}, '
            f'test_mode={self.test_mode})'
        )


def _check_positive(clip_len: int, num_clips: int) -> None:
    if clip_len < 1 or num_clips < 1:
        raise ValueError(
            f'clip_len={clip_len} and num_clips={num_clips} must be positive'
        )


def _check_length(results: dict) -> None:
    if results['total_frames'] < 1:
        raise ValueError(f'the video has {results["total_frames"]} frames')
