import numpy as np
import pytest
from PIL import Image

from bike_mmaction.visualization import (
    draw_overlay,
    draw_saliency,
    draw_timeline,
    write_video,
)
from bike_mmaction.visualization.colors import NONE, PALETTE, class_colors
from bike_mmaction.visualization.timeline import _keys, nearest_segments
from tests.kit.videos import rate_of, read_video

PAINTS = {'one': 'red', None: 'gray'}


def test_colors_of_classes():
    """Of their places among all; those shown together differ, up to 18."""
    classes = [f'c{i}' for i in range(40)]
    assert class_colors(['c5', 'c2'], classes) == {
        None: NONE,
        'c5': PALETTE[5],
        'c2': PALETTE[2],
    }
    crowd = class_colors(['c1', 'c19', 'c2'], classes)  # c19 as c1, then as c2
    assert crowd['c1'] == PALETTE[1] and crowd['c19'] == PALETTE[2]
    assert len(set(class_colors(classes[:18]).values())) == 19
    assert class_colors(classes).keys() == {None, *classes}


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


def test_overlapping_windows_part_the_time():
    segments = nearest_segments([(0, 2), (1, 3), (4, 6)])
    assert segments == [(0, 1.5), (1.5, 3.5), (3.5, 6)]
    assert nearest_segments([(1, 3)]) == [(1, 3)]


class TestTimeline:
    def draw(self, path, labels=('one', None), **kwargs):
        draw_timeline(
            str(path),
            [(0, 2), (1, 3)],
            labels,
            dict(one=[0.9, 0.2], two=[0.1, float('nan')]),
            **kwargs,
        )
        return np.asarray(Image.open(path).convert('RGB')).astype(int)

    def test_ribbon_has_the_colours_of_the_labels(self, tmp_path):
        """Half of it the first colour, half of it gray; or all the second."""
        picture = self.draw(tmp_path / 'a.png')
        blue, gray = (self.widest(picture, c) for c in (PALETTE[0], NONE))
        assert blue > 300 and 0.9 < blue / gray < 1.1
        other = self.draw(tmp_path / 'b.png', labels=('two', 'two'))
        assert self.widest(other, PALETTE[1]) > 600
        assert self.widest(other, NONE) < 100

    def test_several_labels_have_a_row_each(self, tmp_path):
        """The first class all the time, above; the second in half of it, below."""
        picture = self.draw(tmp_path / 'a.png', labels=(['one'], ('two', 'one')))
        one, two = (abs(picture - PALETTE[i]).sum(-1) < 10 for i in range(2))
        assert 0.45 < two.sum(1).max() / one.sum(1).max() < 0.55
        assert self.widest(picture, NONE) < 100
        rows = [np.flatnonzero(where.sum(1) > 300) for where in (one, two)]
        assert rows[0].max() < rows[1].min() <= rows[0].max() + 3

    def widest(self, picture, color):
        """Pixels of a colour in the line that has most."""
        return (abs(picture - color).sum(-1) < 10).sum(1).max()

    def test_legend_explains_all_that_is_drawn(self):
        texts = [
            text
            for _, text in _keys(('one', None, '', 'x'), {'one': []}, PAINTS, 0.455)
        ]
        assert texts == [
            'one',
            'another class',
            'none of these',
            'threshold, 45.5 %: below it none of these',
            'could not be read',
        ]
        assert [text for _, text in _keys(('one',), {'one': []}, PAINTS, 0)] == ['one']

    def test_frames_and_threshold(self, tmp_path):
        plain = self.draw(tmp_path / 'a.png')
        frames = [np.full((20, 30, 3), [0, 200, 0], np.uint8)] * 4
        with_frames = self.draw(tmp_path / 'b.png', frames=frames)
        green = [
            (abs(p - [0, 200, 0]).sum(-1) < 20).sum() for p in (plain, with_frames)
        ]
        assert green[0] == 0 and green[1] > 4000
        assert (self.draw(tmp_path / 'c.png', threshold=0.5) != plain).any()

    def test_lengths_that_differ(self, tmp_path):
        with pytest.raises(ValueError, match="1 values of 'labels'.*2 win"):
            self.draw(tmp_path / 'a.png', labels=['one'])


class TestOverlay:
    FRAME = np.full((30, 40, 3), 200, np.uint8)
    RED, BLUE = (255, 0, 0), (0, 0, 255)

    def count(self, picture, color):
        return (abs(picture.astype(int) - color).sum(-1) < 10).sum()

    def test_bars_are_as_long_as_the_confidences(self):
        picture = draw_overlay(
            self.FRAME, [('one', 0.8, self.RED), ('two', 0.2, self.BLUE)]
        )
        assert picture.shape == (360 + 2 * 24 + 8, 480, 3)
        assert self.count(picture[:360], (200, 200, 200)) == 360 * 480
        ratio = self.count(picture, self.RED) / self.count(picture, self.BLUE)
        assert 3.5 < ratio < 4.5

    def test_strip(self):
        bars = [(0, 0.5, 1, self.RED), (0.5, 1, 0.5, self.BLUE)]
        plain = draw_overlay(self.FRAME, [], bars)
        ratio = self.count(plain, self.RED) / self.count(plain, self.BLUE)
        assert 1.8 < ratio < 2.2
        marked = draw_overlay(self.FRAME, [], bars, cursor=0.25)
        changed = np.nonzero((plain != marked).any((0, 2)))[0]
        assert abs(changed.mean() - 120) < 8 and len(changed) < 5

    def test_long_names_are_cut(self):
        shapes = [
            draw_overlay(self.FRAME, [(name, 0.5, self.RED)])
            for name in ('x' * 200, '')
        ]
        left = [picture[360:, 232:240] for picture in shapes]
        assert (left[0] == left[1]).all()  # nothing runs into the bars
        assert (shapes[0] != shapes[1]).any()


class TestWriteVideo:
    IMAGES = [np.full((48, 64, 3), 60 * i, np.uint8) for i in range(4)]

    def test_mp4(self, tmp_path):
        write_video(str(tmp_path / 'a.mp4'), iter(self.IMAGES), 12.5)
        path = tmp_path / 'a.mp4'
        video = read_video(path)
        assert len(video) == 4 and rate_of(path) == 12.5
        for frame, image in zip(video, self.IMAGES):
            assert abs(frame.mean() - image.mean()) < 3

    def test_gif(self, tmp_path):
        write_video(str(tmp_path / 'a.gif'), self.IMAGES, 4)
        with Image.open(tmp_path / 'a.gif') as gif:
            assert (gif.n_frames, gif.info['duration']) == (4, 250)

    @pytest.mark.parametrize(
        'name,images,message',
        [('a.avi', IMAGES, '.mp4 or .gif'), ('a.mp4', [], 'no images')],
    )
    def test_errors(self, tmp_path, name, images, message):
        with pytest.raises(ValueError, match=message):
            write_video(str(tmp_path / name), images, 4)
