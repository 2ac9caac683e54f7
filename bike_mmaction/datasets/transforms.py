"""Transforms that BIKE adds to the toolbox's pipelines."""
import numpy as np
from mmaction.datasets.transforms import SampleFrames, ThreeCrop
from mmaction.registry import TRANSFORMS


def segment_starts(total_frames: int, clip_len: int,
                   num_clips: int) -> np.ndarray:
    """First frames of the segments, as the reference tests.

    A video is cut into ``clip_len`` segments. A clip takes a frame from each;
    clip after clip moves from the first frame of the segments to the last.

    Args:
        total_frames (int): Length of the video, in frames.
        clip_len (int): T, frames per clip.
        num_clips (int): Clips (temporal views).

    Returns:
        np.ndarray: Indices [num_clips, clip_len] from 0, ascending in a clip.
    """
    segment = total_frames / clip_len
    shifts = np.linspace(0, max(segment - 1, 0), num_clips).astype(int)
    starts = (np.arange(clip_len) * segment).astype(int)
    return shifts[:, None] + starts[None]


def random_in_segments(total_frames: int, clip_len: int,
                       num_clips: int) -> np.ndarray:
    """A random frame of each segment, as the reference trains.

    Args:
        total_frames (int): Length of the video, in frames.
        clip_len (int): T, frames per clip.
        num_clips (int): Clips to draw.

    Returns:
        np.ndarray: Indices [num_clips, clip_len] from 0, ascending in a clip.
    """
    edges = np.arange(clip_len + 1) * total_frames // clip_len
    # A video shorter than the clip has empty segments: take their start.
    lengths = np.maximum(np.diff(edges), 1)
    shifts = np.random.randint(lengths, size=(num_clips, clip_len))
    return edges[:-1] + shifts


@TRANSFORMS.register_module()
class SparseSampleFrames(SampleFrames):
    """Sample frames all over the video (BIKE section 3.1, "sparsely").

    In training a random frame of each of ``clip_len`` equal segments; in
    testing the segments' first frames, moved along for further clips. The
    toolbox's samplers take the segments' middles instead.

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

    def __init__(self,
                 clip_len: int,
                 num_clips: int = 1,
                 test_mode: bool = False) -> None:
        if clip_len < 1 or num_clips < 1:
            raise ValueError(f'clip_len={clip_len} and num_clips={num_clips} '
                             'must be positive')
        super().__init__(clip_len, num_clips=num_clips, test_mode=test_mode)

    def transform(self, results: dict) -> dict:
        """Add ``frame_inds`` [num_clips · clip_len], clip after clip."""
        total_frames = results['total_frames']
        if total_frames < 1:
            raise ValueError(f'the video has {total_frames} frames')
        sample = segment_starts if self.test_mode else random_in_segments
        indices = sample(total_frames, self.clip_len, self.num_clips)
        results['frame_inds'] = indices.reshape(-1) + results['start_index']
        results['clip_len'] = self.clip_len
        results['frame_interval'] = None
        results['num_clips'] = self.num_clips
        return results

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(clip_len={self.clip_len}, '
                f'num_clips={self.num_clips}, test_mode={self.test_mode})')


@TRANSFORMS.register_module()
class SpacedThreeCrop(ThreeCrop):
    """Left, right and middle crop of images larger than the crop.

    The toolbox's ``ThreeCrop`` requires that the shorter side equals the
    crop; the reference resizes it to 256 pixels and crops 224. Across the
    shorter side all three lie in the middle.

    Required and added keys are those of ``ThreeCrop``.

    Args:
        crop_size (int | tuple[int]): (w, h) in pixels.
    """

    def transform(self, results: dict) -> dict:
        """Cut the middle strip, then let the toolbox crop it three times.

        Raises:
            ValueError: if an image is smaller than the crop.
        """
        height, width = results['imgs'][0].shape[:2]
        crop_w, crop_h = self.crop_size
        if height < crop_h or width < crop_w:
            raise ValueError(f'images of {width}x{height} pixels are smaller '
                             f'than the crop of {crop_w}x{crop_h}')
        if width >= height:
            top = (height - crop_h) // 2
            strip = np.s_[top:top + crop_h, :]
        else:
            left = (width - crop_w) // 2
            strip = np.s_[:, left:left + crop_w]
        results['imgs'] = [image[strip] for image in results['imgs']]
        return super().transform(results)
