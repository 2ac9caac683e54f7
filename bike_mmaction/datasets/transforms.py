"""Transforms that BIKE adds to the toolbox's pipelines."""
import os.path as osp
from typing import List, Optional, Sequence

import numpy as np
from mmaction.datasets.transforms import SampleFrames, ThreeCrop
from mmaction.registry import TRANSFORMS
from mmaction.structures import ActionDataSample
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from ..compat import PipelineError
from .attribute_file import load_attribute_file


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


@TRANSFORMS.register_module()
class LoadAttributes(BaseTransform):
    """Attributes of the video from an attribute file (BIKE section 2.2).

    Required keys: filename or frame_dir. Added key: attributes, a list of
    phrases, the nearest first. ``PackActionInputs`` passes it on with
    ``algorithm_keys=('attributes', )``.

    Args:
        ann_file (str): JSON in the layout of the authors' files, see
            :mod:`bike_mmaction.datasets.attribute_file`. Keys may have an
            extension or none, and more or fewer leading folders.
        topk (int, optional): How many phrases to take. Defaults to 5, as
            published (Table 6d). None: all.
        missing (str): What to do with a video that has no attributes:
            'error', or 'skip', which gives it an empty list. It then counts
            for the video branch only. Defaults to 'error'.
        shuffle (bool): Whether to change the order of the phrases by chance,
            for training. Defaults to False.
        drop_prob (float): Probability that a phrase is left out, for
            training; one always stays. Defaults to 0.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not in the layout, or has too few phrases.
    """

    def __init__(self,
                 ann_file: str,
                 topk: Optional[int] = 5,
                 missing: str = 'error',
                 shuffle: bool = False,
                 drop_prob: float = 0.) -> None:
        if topk is not None and topk < 1:
            raise ValueError(f'topk={topk} must be positive, or None')
        if missing not in ('error', 'skip'):
            raise ValueError(f"missing={missing!r}; choose 'error' or 'skip'")
        if not 0 <= drop_prob < 1:
            raise ValueError(f'drop_prob={drop_prob} is not in [0, 1)')
        self.ann_file = ann_file
        self.topk = topk
        self.missing = missing
        self.shuffle = shuffle
        self.drop_prob = drop_prob
        self.file = load_attribute_file(ann_file)
        self.file.check(topk, allow_empty=missing == 'skip')

    def transform(self, results: dict) -> dict:
        """Add ``attributes``.

        Raises:
            PipelineError: if the video has none, and ``missing='error'``.
        """
        video = results.get('filename', results.get('frame_dir', ''))
        try:
            phrases = self.file.find(video)
        except ValueError as error:  # the video itself need not exist
            raise PipelineError(str(error)) from error
        if phrases is None and self.missing == 'error':
            raise PipelineError(
                f"no attributes for '{video}' in '{self.ann_file}', which has "
                f'{self.file.examples()}. Is it of another data set or split? '
                "LoadAttributes(missing='skip') leaves such videos to the "
                'video branch')
        phrases = list(phrases or ())[:self.topk]
        if self.shuffle:
            phrases = [phrases[i] for i in np.random.permutation(len(phrases))]
        if self.drop_prob and phrases:
            kept = np.random.rand(len(phrases)) >= self.drop_prob
            kept[np.random.randint(len(phrases))] = True
            phrases = [p for p, keep in zip(phrases, kept) if keep]
        results['attributes'] = phrases
        return results

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(ann_file={self.ann_file!r}, '
                f'topk={self.topk}, missing={self.missing!r}, '
                f'shuffle={self.shuffle}, drop_prob={self.drop_prob})')


@TRANSFORMS.register_module()
class ReportUnreadable(BaseTransform):
    """Run a whole pipeline; where it cannot read a video, say so and go on.

    A video that cannot be opened, sampled or decoded is packed as
    ``inputs=None`` and a data sample with the reason as ``unreadable``, and
    with ``missing``: whether there is no such file. A
    :class:`.ReadableTestLoop` handles it. What fails later is no fault of
    the video, and an error.

    Args:
        transforms (list[dict]): The pipeline, ``PackActionInputs`` included.
        forget (Sequence[str]): Keys to remove before, such as the label
            where the model knows other classes. Defaults to ().
    """

    def __init__(self, transforms: List[dict],
                 forget: Sequence[str] = ()) -> None:
        # One by one, to know which one fails.
        self.steps = [Compose([transform]) for transform in transforms]
        self.forget = tuple(forget)

    def transform(self, results: dict) -> dict:
        """Apply the pipeline.

        Raises:
            PipelineError: if a transform fails on a video that was read.
        """
        for key in self.forget:
            results.pop(key, None)
        known = {
            key: results[key]
            for key in ('filename', 'frame_dir', 'sample_idx')
            if key in results
        }
        for step in self.steps:
            try:
                results = step(results)
            except PipelineError as error:
                if not _reads(step):
                    raise
                return _unreadable(known, str(error))
        return results

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(transforms={self.steps}, '
                f'forget={self.forget})')


def _reads(step: Compose) -> bool:
    """Whether a transform opens or decodes: the toolbox's names tell."""
    name = type(step.transforms[0]).__name__
    return name.endswith(
        ('Init', 'Decode')) or name in ('KeepSegment', 'SparseSampleFrames')


def _unreadable(known: dict, reason: str) -> dict:
    source = known.get('filename', known.get('frame_dir', ''))
    sample = ActionDataSample(metainfo=known)
    sample.set_field(reason, 'unreadable')
    sample.set_field('://' not in source and not osp.exists(source), 'missing')
    return dict(inputs=None, data_samples=sample)
