"""What the toolbox's own tools do wrong, and the remedy: one function each.

As :mod:`.compat`, for counting FLOPs, extracting features and drawing.
"""

from math import prod

from .compat import _is_patched, _patch_of


def patch_tools() -> None:
    """Apply every remedy of this file."""
    count_attention()
    extract_frame_embeddings()
    draw_views()
    draw_labels()
    draw_all_inputs()
    write_videos()


def count_attention() -> None:
    """mmengine <= 0.10.7: FLOPs of torch's own attention are not counted.

    ``Unsupported operator aten::scaled_dot_product_attention``, or
    ``aten::_native_multi_head_attention`` where the weights are frozen. As
    in the rest of its count, a multiplication with its addition is one.
    """
    from mmengine.analysis.complexity_analysis import _DEFAULT_SUPPORTED_FLOP_OPS
    from mmengine.analysis.jit_handles import get_shape

    def attention(inputs, outputs):
        query, key, value = map(get_shape, inputs[:3])
        return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])

    def whole_layer(inputs, outputs):  # of self-attention, with projections
        batch, length, width = get_shape(inputs[0])
        return batch * length * width * (4 * width + 2 * length)

    for name, count in (
        ('scaled_dot_product_attention', attention),
        ('_native_multi_head_attention', whole_layer),
    ):
        _DEFAULT_SUPPORTED_FLOP_OPS.setdefault(f'aten::{name}', count)


def extract_frame_embeddings() -> None:
    """mmaction2 1.2.0: ``FeatureHead`` takes no features [N, T, D].

    ``cannot access local variable 'feat'``.
    """
    from mmaction.models.heads import FeatureHead

    forward = FeatureHead.forward
    if _is_patched(forward):
        return

    @_patch_of(forward)
    def of_frames(self, x, *args, **kwargs):
        if getattr(x, 'ndim', None) == 3:
            x = x.transpose(1, 2)[..., None, None]  # [N, D, T, 1, 1]
        return forward(self, x, *args, **kwargs)

    FeatureHead.forward = of_frames


def draw_views() -> None:
    """mmaction2 1.2.0: its ``VisualizationHook`` wants [3, T, H, W].

    Its pipelines give [V, 3, T, H, W], of which the first view is drawn, or
    [V·T, 3, H, W].
    """
    from mmaction.engine.hooks import VisualizationHook

    draw = VisualizationHook._draw_samples
    if _is_patched(draw):
        return

    @_patch_of(draw)
    def draw_samples(self, batch_idx, data_batch, data_samples, step=0):
        videos = (
            [x[0] if x.ndim == 5 else x.transpose(0, 1) for x in data_batch['inputs']]
            if self.enable
            else ()
        )
        draw(self, batch_idx, dict(inputs=videos), data_samples, step)

    VisualizationHook._draw_samples = draw_samples


def draw_labels() -> None:
    """mmaction2 1.2.0: ``ActionVisualizer`` looks for labels of older names.

    So it draws none. It knows no ``show``, which ``VisualizationHook``
    gives, and turns the red of a file's images to blue.
    """
    from mmaction.visualization import ActionVisualizer

    add = ActionVisualizer.add_datasample
    if _is_patched(add):
        return

    @_patch_of(add)
    def add_datasample(
        self, name, video, data_sample=None, *args, show=False, **kwargs
    ):
        if data_sample is not None:
            data_sample = _with_older_names(data_sample)
        if isinstance(video, str) and kwargs.get('out_type', 'img') == 'img':
            video = [frame[..., ::-1] for frame in self._load_video(video)]
        kwargs.setdefault('show_frames', show)
        return add(self, name, video, data_sample, *args, **kwargs)

    ActionVisualizer.add_datasample = add_datasample


def _with_older_names(sample):
    import torch
    from mmengine.structures import LabelData

    sample = sample.clone()
    if 'gt_label' in sample:
        label = torch.as_tensor(sample.gt_label)
        if label.is_floating_point():  # 1 for each class of several
            label = label.nonzero().flatten()
        sample.set_field(label, 'gt_label')
        sample.set_field(label, 'gt_labels')
    if 'pred_label' in sample:
        sample.set_field(
            LabelData(item=sample.pred_label, score=sample.pred_score), 'pred_labels'
        )
    return sample


def draw_all_inputs() -> None:
    """mmaction2 1.2.0: of several videos its inferencer draws the first."""
    from mmaction.apis.inferencers import MMAction2Inferencer

    visualize = MMAction2Inferencer.visualize
    if _is_patched(visualize):
        return

    @_patch_of(visualize)
    def visualize_all(self, inputs, preds, **kwargs):
        samples = [sample for found in preds['rec'] for sample in found]
        return visualize(self, inputs, dict(rec=[samples]), **kwargs)

    MMAction2Inferencer.visualize = visualize_all


def write_videos() -> None:
    """mmaction2 1.2.0 writes videos by ``moviepy.editor``.

    Which moviepy 2 has no more, and which it does not install.
    """
    from mmaction.visualization import LocalVisBackend

    add = LocalVisBackend.add_video
    if _is_patched(add):
        return

    @_patch_of(add)
    def add_video(self, name, frames, step=0, fps=4, out_type='img', **kwargs):
        try:
            import moviepy.editor  # noqa: F401
        except ImportError:
            if out_type != 'img':
                return _write_video(self, name, frames, fps, out_type)
        return add(self, name, frames, step, fps, out_type, **kwargs)

    LocalVisBackend.add_video = add_video


def _write_video(backend, name, frames, fps, out_type):
    import os.path as osp

    from .visualization.video import write_video

    _ = backend.experiment  # makes its folder
    suffix = dict(video='.mp4', gif='.gif')[out_type]
    height, width = (length // 2 * 2 for length in frames[0].shape[:2])
    images = (frame[:height, :width, ::-1].copy() for frame in frames)
    path = osp.join(backend._save_dir, osp.splitext(name)[0] + suffix)
    write_video(path, images, fps)
