"""Other backends read exactly, or say what they cannot."""

import os
import subprocess
import sys

import numpy as np
import pytest

from bike_mmaction.video import BackendError, VideoReader
from tests.kit import ROOT
from tests.kit.numbered import read_numbers, write_numbered
from tests.kit.video_kinds import KINDS
from tests.kit.videos import write_video


def outcome(backend, path, kind):
    """'exact', 'refused', or what is wrong."""
    try:
        with VideoReader(path, backend) as video:
            choices = [range(len(video)), [41, 7, 30], [len(video) - 1]]
            read = [read_numbers(video.frames(indices)) for indices in choices]
    except BackendError as error:
        return 'refused' if path in str(error) else str(error)
    expected = [[kind.numbers[i] for i in indices] for indices in choices]
    return 'exact' if read == expected else f'{expected}, got {read}'


@pytest.mark.parametrize('backend', ['decord', 'torchcodec'])
def test_exact_or_refused(files, backend):
    pytest.importorskip(backend)
    outcomes = {name: outcome(backend, files[name], KINDS[name]) for name in KINDS}
    wrong = {n: o for n, o in outcomes.items() if o not in ('exact', 'refused')}
    assert not wrong
    for name in ('h264.mp4', 'h264.mkv', 'hevc.mp4', 'pauses.mp4', 'vp9.webm'):
        assert outcomes[name] == 'exact', name


@pytest.mark.gpu
def test_decoded_on_a_gpu(tmp_path):
    """By torchcodec: the frames that were asked for, upright."""
    pytest.importorskip('torchcodec')
    path = tmp_path / 'large.mp4'
    write_numbered(path, 40, size=(320, 240))
    with VideoReader(path, 'torchcodec', device='cuda:0') as video:
        assert read_numbers(video.frames([3, 39, 3, 17])) == [3, 39, 3, 17]


def test_decord_names_the_kind(files):
    pytest.importorskip('decord')
    for name, reason in (
        ('h264.avi', 'its order is known by decoding only'),
        ('cut.mp4', 'it hides frames'),
        ('h264_open.mp4', 'an open GOP'),
        ('h264.ts', 'of the format mpegts'),
        ('turned_90.mp4', 'it is turned by 90 degrees'),
    ):
        with pytest.raises(BackendError) as error:
            VideoReader(files[name], 'decord')
        assert reason in str(error.value) and "'pyav' can" in str(error.value)


def test_same_pixels_as_decord(tmp_path):
    """Also where pictures that nobody asked for are left out."""
    decord = pytest.importorskip('decord')
    path = write_video(tmp_path / 'a.mp4', 80, (160, 120))
    theirs = decord.VideoReader(path)
    rng = np.random.RandomState(0)
    with VideoReader(path) as video:
        for count in (1, 4, 8, 80):
            indices = np.sort(rng.randint(0, 80, count))
            expected = theirs.get_batch(indices).asnumpy()
            np.testing.assert_array_equal(video.frames(indices), expected)


def test_colours_of_the_file(tmp_path):
    """High definition has other ones, and phones the full range."""
    decord = pytest.importorskip('decord')
    faults = []
    for number, colours in enumerate(('colormatrix=bt709', 'fullrange=on', '')):
        path = tmp_path / f'{number}.mp4'

        def draw(number, size):
            grid = np.random.RandomState(number).randint(0, 255, (3, 4, 3))
            return np.kron(grid, np.ones((16, 16, 1))).astype(np.uint8)

        options = {'x264-params': colours} if colours else {}
        write_numbered(path, 8, options=options, draw=draw)
        expected = decord.VideoReader(str(path)).get_batch(range(8)).asnumpy()
        with VideoReader(path) as video:
            if (video.frames(range(8)) != expected).any():
                faults.append(colours)
    assert not faults


def test_choice(files, monkeypatch):
    path = files['h264.mp4']
    assert VideoReader(path).backend == 'pyav'
    monkeypatch.setenv('BIKE_VIDEO_BACKEND', 'decord')
    assert VideoReader(path, 'pyav').backend == 'pyav'
    monkeypatch.setenv('BIKE_VIDEO_BACKEND', 'vhs')
    with pytest.raises(ValueError, match="BIKE_VIDEO_BACKEND='vhs': choose from pyav"):
        VideoReader(path)
    with pytest.raises(ValueError, match="backend='dvd'"):
        VideoReader(path, 'dvd')


WITHOUT_DECORD = """
import sys
sys.modules['decord'] = None
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules
from mmaction.visualization import ActionVisualizer
from mmengine.dataset import Compose
import bike_mmaction
from bike_mmaction.video import BackendError, VideoReader
from tests.kit.numbered import read_numbers
register_all_modules()
for init, decode in (('VideoInit', 'VideoDecode'), ('DecordInit', 'DecordDecode')):
    steps = [dict(type=init), dict(type='SparseSampleFrames', clip_len=4,
             test_mode=True), dict(type=decode)]
    read = Compose([TRANSFORMS.build(step) for step in steps])
    results = read(dict(filename=sys.argv[1], start_index=0, modality='RGB'))
    print(read_numbers(results['imgs']), round(results['avg_fps']))
print(len(ActionVisualizer()._load_video(sys.argv[1])))
try:
    VideoReader(sys.argv[1], 'decord')
except BackendError as error:
    print(error)
"""


def test_without_decord(files):
    """As on ARM machines; MMAction2's own transforms work there, too."""
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', WITHOUT_DECORD, files['h264.mp4']],
        env=dict(os.environ, PYTHONPATH=ROOT),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *read, count, error = done.stdout.splitlines()[-4:]
    assert read == ['[0, 15, 30, 45] 25'] * 2 and count == '60'
    assert "the video backend 'decord' is not installed" in error
