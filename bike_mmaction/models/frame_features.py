"""Features of any backbone, brought to one vector a frame."""

from typing import Any, Optional

from torch import Tensor


def to_frames(x: Any, num_segs: Optional[int] = None) -> Tensor:
    """Bring the features of any backbone of MMAction2 to one vector a frame.

    Args:
        x (Tensor | Sequence): [N, T, C], [N, C, T, H, W], [N·T, C] or
            [N·T, C, H, W]. Of several stages the last counts, of a pair of
            feature map and class token (MViT) the map.
        num_segs (int, optional): T, where frames are folded into the batch;
            without it such features count as one frame each.

    Returns:
        Tensor: [N, T, C], averaged over space.

    Raises:
        ValueError: for other shapes.
    """
    while isinstance(x, (tuple, list)):
        # Stages have several dimensions each, a class token has two.
        x = x[0] if len(x) == 2 and getattr(x[1], 'ndim', 0) == 2 else x[-1]
    if x.ndim == 3:
        return x
    if x.ndim == 5:
        return x.mean(dim=(3, 4)).transpose(1, 2)  # [N, T, C]
    if x.ndim == 4:
        x = x.mean(dim=(2, 3))  # [N·T, C]
    if x.ndim != 2:
        raise ValueError(
            'expected features [N, T, C], [N, C, T, H, W], '
            f'[N*T, C] or [N*T, C, H, W], got {tuple(x.shape)}'
        )
    # Not len(x), which would fix the batch size of an exported graph.
    if x.shape[0] % (num_segs or 1):
        raise ValueError(
            f'{len(x)} frames are not clips of {num_segs}: check '
            'cls_head.num_segments and clip_len'
        )
    return x.unflatten(0, (-1, num_segs or 1))
