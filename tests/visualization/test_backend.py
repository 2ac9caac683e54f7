"""Without the remedy ``write_videos``, this fails."""

import av
import numpy as np
import pytest
from mmaction.visualization import LocalVisBackend


@pytest.mark.parametrize('suffix, out_type', [('mp4', 'video'), ('gif', 'gif')])
def test_video_without_moviepy(tmp_path, suffix, out_type):
    backend = LocalVisBackend(save_dir=str(tmp_path / 'new'))
    frames = np.full((4, 96, 128, 3), (200, 90, 30), np.uint8)
    frames[0] = 255
    bgr = frames[:, :95, :, ::-1]  # odd heights are cut
    backend.add_video('a.avi', bgr, fps=10, out_type=out_type)
    with av.open(str(tmp_path / 'new' / f'a.{suffix}')) as file:
        images = [x.to_ndarray(format='rgb24') for x in file.decode()]
    assert len(images) > 1 and images[0].shape == (94, 128, 3)
    assert images[0].min() > 250
    assert np.abs(images[-1].astype(int) - (200, 90, 30)).max() < 12
