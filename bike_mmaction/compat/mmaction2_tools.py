"""Remedies for MMAction2: extracting features, drawing, its inferencer."""

from typing import Optional

from .registry import remedy, replace


@remedy('mmaction2', '<=1.2.0', 'FeatureHead takes no features of frames, [N, T, D]')
def extract_frame_embeddings() -> None:
    """``cannot access local variable 'feat'``."""
    from mmaction.models.heads import FeatureHead

    def taking_frames(original):
        def forward(self, x, *args, **kwargs):
            if getattr(x, 'ndim', None) == 3:
                x = x.transpose(1, 2)[..., None, None]  # [N, D, T, 1, 1]
            return original(self, x, *args, **kwargs)

        return forward

    replace(FeatureHead, 'forward', taking_frames)


@remedy('mmaction2', '<=1.2.0', '--show-dir cannot draw what its pipelines give')
def draw_views() -> None:
    """``VisualizationHook`` wants [3, T, H, W].

    Its pipelines give [V, 3, T, H, W], of which the first view is drawn, or
    [V·T, 3, H, W].
    """
    from mmaction.engine.hooks import VisualizationHook

    def of_first_view(original):
        def draw_samples(self, batch_idx, data_batch, data_samples, step=0):
            if self.enable:
                videos = [_first_view(video) for video in data_batch['inputs']]
                data_batch = dict(inputs=videos)
            original(self, batch_idx, data_batch, data_samples, step)

        return draw_samples

    replace(VisualizationHook, '_draw_samples', of_first_view)


def _first_view(video):
    """[3, T, H, W] of a tensor in any of the forms of :func:`draw_views`."""
    if video.ndim == 5:
        return video[0]
    return video.transpose(0, 1) if video.shape[1] == 3 else video


@remedy('mmaction2', '<=1.2.0', 'ActionVisualizer draws no labels, and red as blue')
def draw_labels() -> None:
    """It looks for labels of older names, so it draws none.

    It knows no ``show``, which ``VisualizationHook`` gives, and turns the
    red of a file's images to blue.
    """
    from mmaction.visualization import ActionVisualizer

    def with_labels(original):
        def add_datasample(
            self, name, video, data_sample=None, *args, show=False, **kwargs
        ):
            if data_sample is not None:
                data_sample = _with_older_names(data_sample)
            if isinstance(video, str) and kwargs.get('out_type', 'img') == 'img':
                video = [frame[..., ::-1] for frame in self._load_video(video)]
            if show:
                kwargs['show_frames'] = True
            return original(self, name, video, data_sample, *args, **kwargs)

        return add_datasample

    replace(ActionVisualizer, 'add_datasample', with_labels)


@remedy('mmaction2', '<=1.2.0', 'ActionVisualizer needs decord, and its frames')
def draw_exact_frames() -> None:
    """decord gives other frames of some files, and some machines have none."""
    import os.path as osp

    from mmaction.visualization import ActionVisualizer

    from ..video import VideoReader

    def exact(original):
        def load_video(self, video, *args, **kwargs):
            if isinstance(video, str) and osp.isfile(video):
                video = [image[..., ::-1] for image in VideoReader(video).iterate()]
            return original(self, video, *args, **kwargs)

        return load_video

    replace(ActionVisualizer, '_load_video', exact)


@remedy('mmaction2', '<=1.2.0', 'DecordInit needs decord, which ARM machines lack')
def read_without_decord() -> Optional[str]:
    """``Please run "pip install decord"``; MMAction2's inferencer puts it in."""
    from importlib.util import find_spec

    from mmaction.datasets.transforms import DecordInit

    if find_spec('decord') is not None:
        return 'decord is installed'

    def by_pyav(original):
        def get_video_reader(self, filename):
            return _LikeDecord(filename, num_threads=self.num_threads)

        return get_video_reader

    replace(DecordInit, '_get_video_reader', by_pyav)
    return None


class _LikeDecord:
    """A reader with the methods of decord's that MMAction2 uses."""

    def __init__(self, filename: str, num_threads: int) -> None:
        from ..video import VideoReader

        self._video = VideoReader(filename, num_threads=num_threads)
        self._next = 0

    def __len__(self) -> int:
        return len(self._video)

    def get_avg_fps(self) -> float:
        return self._video.average_rate

    def get_batch(self, indices) -> '_LikeNDArray':
        return _LikeNDArray(self._video.frames(indices))

    def seek(self, index: int) -> None:
        self._next = index

    def next(self) -> '_LikeNDArray':
        self._next += 1
        return _LikeNDArray(self._video[self._next - 1])


class _LikeNDArray:
    """An array in decord's clothes."""

    def __init__(self, images) -> None:
        self._images = images

    def asnumpy(self):
        return self._images


def _with_older_names(sample):
    """A copy of a data sample that has its labels under both names."""
    import torch
    from mmengine.structures import LabelData

    sample = sample.clone()
    if 'gt_label' in sample and 'gt_labels' not in sample:
        label = torch.as_tensor(sample.gt_label)
        if label.is_floating_point():  # 1 for each class of several
            label = label.nonzero().flatten()
        sample.set_field(label, 'gt_label')
        sample.set_field(label, 'gt_labels')
    if 'pred_label' in sample and 'pred_labels' not in sample:
        sample.set_field(
            LabelData(item=sample.pred_label, score=sample.pred_score), 'pred_labels'
        )
    return sample


@remedy('mmaction2', '<=1.2.0', 'of several videos its inferencer draws the first only')
def draw_all_inputs() -> None:
    """``MMAction2Inferencer`` gives the others no predictions to draw."""
    from mmaction.apis.inferencers import MMAction2Inferencer

    def of_all(original):
        def visualize(self, inputs, preds, **kwargs):
            samples = [sample for samples in preds['rec'] for sample in samples]
            return original(self, inputs, dict(rec=[samples]), **kwargs)

        return visualize

    replace(MMAction2Inferencer, 'visualize', of_all)
