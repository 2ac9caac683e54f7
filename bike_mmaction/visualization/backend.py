"""Remedy for MMAction2 that writes videos."""

import os.path as osp
from typing import Optional

import numpy as np

from ..compat import installed_version, remedy, replace
from .video import write_video

SUFFIXES = dict(video='.mp4', gif='.gif')


@remedy('mmaction2', '<=1.2.0', 'writes videos only with moviepy < 2 installed')
def write_videos() -> Optional[str]:
    """It imports ``moviepy.editor``, which moviepy 2 does not have any more."""
    from mmaction.visualization import LocalVisBackend

    if installed_version('moviepy').startswith(('0.', '1.')):
        return 'moviepy < 2 is installed'

    def without_moviepy(original):
        def add_video(self, name, frames, step=0, fps=4, out_type='img', **kwargs):
            if out_type in SUFFIXES:
                _ = self.experiment  # makes its folder
                path = osp.splitext(osp.join(self._save_dir, name))[0]
                _write(path + SUFFIXES[out_type], frames, fps)
            else:
                original(self, name, frames, step, fps, out_type, **kwargs)

        return add_video

    replace(LocalVisBackend, 'add_video', without_moviepy)
    return None


def _write(path: str, frames: np.ndarray, fps: float) -> None:
    """Write frames [T, H, W, 3], BGR; an odd row or column is cut off."""
    height, width = (length // 2 * 2 for length in frames[0].shape[:2])
    images = (frame[:height, :width, ::-1].copy() for frame in frames)
    write_video(path, images, fps)
