import numpy as np
import pytest
from PIL import Image

from bike_mmaction.visualization import draw_saliency


def draw(path, frames=3, rows=2, **kwargs):
    images = [np.full((20, 30, 3), 60 * i, np.uint8) for i in range(frames)]
    saliency = np.full((rows, frames), 1 / frames)
    draw_saliency(str(path), images, saliency, ['one', 'two'], **kwargs)
    return np.asarray(Image.open(path).convert('RGB')).astype(int)


def test_picture_is_drawn(tmp_path):
    picture = draw(tmp_path / 'a.png', title='a video')
    blue = (picture[..., 2] - picture[..., 0] > 60).sum()
    assert blue > 500  # the bars


def test_marked_frames_are_framed_in_red(tmp_path):
    plain = draw(tmp_path / 'a.png')
    marked = draw(tmp_path / 'b.png', marked=[False, True, False])
    reds = [(p[..., 0] - p[..., 1] > 100).sum() for p in (plain, marked)]
    assert reds[0] == 0 and reds[1] > 100


def test_attributes_are_written_underneath(tmp_path):
    plain = draw(tmp_path / 'a.png')
    one = draw(tmp_path / 'b.png', attributes=['snow', 'fence'])
    other = draw(tmp_path / 'c.png', attributes=['snow', ('fence', 0.5)])
    assert one.shape == other.shape and len(one) > len(plain)
    assert (one != other).any()  # the score


def test_lengths_that_differ(tmp_path):
    with pytest.raises(ValueError, match='3 frames'):
        draw(tmp_path / 'a.png', rows=1)
