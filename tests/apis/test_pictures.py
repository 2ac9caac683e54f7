"""Results as files, pictures and annotated videos."""

import errno
import json
import os
import os.path as osp
from dataclasses import fields

import pytest
from PIL import Image

from bike_mmaction.apis import ResultWriter
from bike_mmaction.apis.inference import drawing, pictures
from bike_mmaction.apis.inference.recognition import Recognition
from bike_mmaction.apis.inference.sources import find_sources
from bike_mmaction.video import DamagedVideoWarning
from bike_mmaction.visualization.colors import class_colors
from tests.kit.models import CLASSES
from tests.kit.videos import rate_of, read_video, write_frames, write_video


def test_whole_video(with_attributes, videos, tmp_path):
    writer = ResultWriter(tmp_path, ('json', 'png', 'mp4', 'gif'))
    (recognition,) = with_attributes(videos[0], CLASSES, writer=writer)
    content = json.loads((tmp_path / 'v0_bike.json').read_text())
    assert content == json.loads(json.dumps(recognition.to_dict()))
    with Image.open(tmp_path / 'v0_bike.png') as picture:
        assert picture.width > 800
    path = tmp_path / 'v0_bike.mp4'
    video = read_video(path)
    assert len(video) == 50 and rate_of(path) == 25
    # 64 x 48 pixels become 480 x 360, over 3 rows, a caption and the strip.
    assert video[0].shape == (360 + 4 * 24 + 40 + 8, 480, 3)
    with Image.open(tmp_path / 'v0_bike.gif') as gif:
        assert gif.n_frames == 17  # each third: 8 a second


def test_frames_are_those_of_the_video(bike, videos, tmp_path):
    writer = ResultWriter(tmp_path, ['mp4'])
    bike(videos[0], CLASSES, writer=writer)
    original = read_video(videos[0])
    written = read_video(tmp_path / 'v0_bike.mp4')
    for i in (0, 25, 49):  # the number of a frame is its brightness
        rows = original[i][:6], written[i][:45]
        assert abs(rows[0].mean() - rows[1].mean()) < 8


def test_timeline(bike, videos, tmp_path):
    writer = ResultWriter(tmp_path, threshold=0.4)
    recognitions = bike.timeline(videos[0], CLASSES, window=1, writer=writer)
    content = json.loads((tmp_path / 'v0_bike.json').read_text())
    assert [r['segment'] for r in content] == [[0, 1], [0.5, 1.5], [1, 2]]
    assert content[2]['predictions'][0][0] == recognitions[2].predictions[0][0]
    assert {p.name for p in tmp_path.iterdir()} == {
        'v0_bike.json',
        'v0_bike.png',
        'v0_bike.mp4',
    }


def test_curves_do_not_break_below_the_top(bike, videos, tmp_path, monkeypatch):
    """Confidences of all classes are drawn; JSON has only the top ones."""
    drawn = {}

    def draw(path, windows, labels, confidences, *rest):
        drawn.update(confidences=confidences, times=rest[3], colors=rest[4])
        open(path, 'w').close()

    monkeypatch.setattr(drawing, 'draw_timeline', draw)
    writer = ResultWriter(tmp_path, ['json', 'png'])
    top = bike.timeline(videos[0], CLASSES, window=1, topk=1)
    every = bike.timeline(videos[0], CLASSES, window=1, topk=len(CLASSES))
    top[1].predictions = every[1].predictions[-1:]  # another class than before
    writer.write(*find_sources(videos[0]), top)
    assert len(drawn['confidences']) == 2
    for name, values in drawn['confidences'].items():
        assert values == pytest.approx([dict(r.predictions)[name] for r in every])
    assert drawn['times'][0] == pytest.approx(0.12)
    content = json.loads((tmp_path / 'v0_bike.json').read_text())
    names = {f.name for f in fields(Recognition) if f.name[0] != '_'}
    assert set(content[0]) == {*names, 'labels'}
    assert content[0]['predictions'] == [list(p) for p in top[0].predictions]
    # A class has the colour of its place among all of them.
    name = top[0].predictions[0][0]
    assert drawn['colors'][name] == class_colors(CLASSES)[name]


def test_broken_videos_and_equal_names(bike, videos, tmp_path):
    frames = read_video(videos[0])[:8]
    writer = ResultWriter(tmp_path, ('json', 'png'))
    bike([frames, videos[3], frames], CLASSES, writer=writer)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'array_bike.json',
        'array_bike.png',
        'array_bike_2.json',
        'array_bike_2.png',
        'v3_bike.json',
    ]
    assert 'v3.mp4' in json.loads((tmp_path / 'v3_bike.json').read_text())['error']


def test_unknown_format(tmp_path):
    with pytest.raises(ValueError, match="'avi'.*'mp4'"):
        ResultWriter(tmp_path, ['avi'])


def test_a_stop_or_a_full_disk_keeps_the_recognition(videos, tmp_path, monkeypatch):
    """No picture in its place, nor a half of one; a full disk is told."""
    (source,) = find_sources(videos[0])
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for error, message in ((KeyboardInterrupt(), ''), (full, 'v0_bike.mp4.: No space')):

        def write(path, images, fps, error=error):
            open(path, 'w').write('half')
            raise error

        monkeypatch.setattr(pictures, 'write_video', write)
        folder = tmp_path / type(error).__name__
        writer = ResultWriter(folder, ('mp4', 'json'))
        recognition = Recognition(videos[0], [('a', 1.0)], 'a', {'a': [1.0]}, [0])
        with pytest.raises(type(error), match=message):
            writer.write(source, [recognition])
        assert os.listdir(folder) == ['v0_bike.json']
        content = json.loads((folder / 'v0_bike.json').read_text())
        assert content['label'] == 'a'


def test_the_video_itself_is_left_alone(bike, tmp_path):
    """Results may lie beside it."""
    path = write_video(tmp_path / 'a.mp4', num_frames=9)
    before = (tmp_path / 'a.mp4').read_bytes()
    for _ in range(2):
        bike(path, CLASSES, writer=ResultWriter(tmp_path))
    assert (tmp_path / 'a.mp4').read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'a.mp4',
        'a_bike.json',
        'a_bike.mp4',
        'a_bike.png',
    ]


def test_damage_between_the_frames(bike, folder, tmp_path):
    """The pictures are lost, but neither the result nor other videos."""
    frames = folder / 'damaged'
    write_frames(write_video(folder / 'to_damage.mp4'), str(frames), 'i{:02}.png')
    (frames / 'i02.png').write_text('no image')
    good = write_video(folder / 'good.mp4')
    writer = ResultWriter(tmp_path, ('json', 'mp4'))
    recognitions = bike([frames, good], CLASSES, writer=writer)
    assert recognitions[0].label and "no 'damaged_bike.mp4'" in recognitions[0].warning
    assert 'i02.png' in recognitions[0].warning and not recognitions[1].warning
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'damaged_bike.json',
        'good_bike.json',
        'good_bike.mp4',
    ]


@pytest.mark.parametrize('size', [(1024, 16), (32, 640), (50, 38)])
def test_shapes(bike, size, tmp_path):
    path = write_video(tmp_path / 'a$b$ (x).mp4', 9, size)
    writer = ResultWriter(tmp_path / 'out', ('png', 'mp4', 'gif'))
    (recognition,) = bike(path, ['a $5', 'b $x_{$', '_c'], writer=writer)
    assert recognition.warning is None
    assert len(list((tmp_path / 'out').iterdir())) == 3


def test_narrow_frames(bike, tmp_path):
    """Of which decord makes six colours."""
    path = write_video(tmp_path / 'narrow.mp4', 9, (16, 640))
    writer = ResultWriter(tmp_path / 'out')
    (recognition,) = bike(path, CLASSES, writer=writer)
    assert recognition.error is None and recognition.warning is None
    assert (tmp_path / 'out/narrow_bike.mp4').exists()


def test_damaged_videos(bike, tmp_path):
    """What is there is recognized; the result says how much is missing."""
    options = dict(movflags='faststart')
    path = write_video(tmp_path / 'cut.mp4', 60, options=options)
    os.truncate(path, osp.getsize(path) * 2 // 3)
    with pytest.warns(DamagedVideoWarning, match='cut.mp4.* of 60'):
        (recognition,) = bike(path, CLASSES, writer=ResultWriter(tmp_path, ['mp4']))
    assert recognition.error is None and max(recognition.frames) < 50
    assert 'frames cannot be read' in recognition.warning
    assert (tmp_path / 'cut_bike.mp4').exists()
    os.mkfifo(tmp_path / 'pipe.mp4')
    (recognition,) = bike(str(tmp_path / 'pipe.mp4'), CLASSES)
    assert 'pipe.mp4' in recognition.error and 'FIFO' in recognition.error


def test_a_window_that_is_unreadable(bike, tmp_path, folder):
    frames = folder / 'window'
    write_frames(
        write_video(folder / 'windows.mp4', num_frames=75), str(frames), 'i{:02}.png'
    )
    (frames / 'i60.png').write_text('no image')
    writer = ResultWriter(tmp_path, ('json', 'png'))
    recognitions = bike.timeline(
        str(frames), CLASSES, window=1, stride=1, writer=writer
    )
    assert [r.error is None for r in recognitions] == [True, True, False]
    assert (tmp_path / 'window_bike.png').exists()


def test_videos_with_an_unreadable_window(bike, videos, tmp_path):
    recognitions = bike.timeline(videos[0], CLASSES, window=1)
    recognitions[1] = Recognition(videos[0], segment=recognitions[1].segment, error='-')
    writer = ResultWriter(tmp_path, ['mp4', 'gif'])
    assert len(writer.write(*find_sources(videos[0]), recognitions)) == 2
    assert recognitions[0].warning is None


def test_folder_of_frames_that_is_here(bike, folder, tmp_path, monkeypatch):
    write_frames(write_video(folder / 'here.mp4', 9), str(folder / 'x.v2'), '{}.png')
    monkeypatch.chdir(folder / 'x.v2')
    (recognition,) = bike('.', CLASSES, writer=ResultWriter(tmp_path, ['json']))
    assert (tmp_path / 'x.v2_bike.json').exists()
