"""Cameras and network streams."""

import http.server
import io
import json
import os.path as osp
import threading
import time

import numpy as np
import pytest
from PIL import Image

from bike_mmaction.apis.inference.streams import Stream
from bike_mmaction.files import is_stream
from tests.kit import ROOT
from tests.kit.models import CLASSES
from tests.kit.tools import run_tool


class Camera(http.server.BaseHTTPRequestHandler):
    """Two seconds of ever brighter images, as network cameras send them."""

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        for i in range(40):
            image = io.BytesIO()
            Image.fromarray(np.full((48, 64, 3), 6 * i, np.uint8)).save(image, 'JPEG')
            self.wfile.write(
                b'--frame\r\nContent-Type: image/jpeg\r\n\r\n'
                + image.getvalue()
                + b'\r\n'
            )
            time.sleep(0.05)

    def log_message(self, *_):
        pass


@pytest.fixture
def camera():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Camera)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/camera.mjpg'
    server.shutdown()


def test_windows_follow_the_present(bike, camera):
    recognitions = list(bike.stream(camera, CLASSES, window=0.8, stride=0.4, fps=10))
    assert len(recognitions) >= 2
    for before, after in zip(recognitions, recognitions[1:]):
        assert after.segment[0] > before.segment[0]
        assert after.segment[1] - before.segment[1] >= 0.4
    for recognition in recognitions:
        begin, end = recognition.segment
        assert 0 < end - begin <= 0.8
        assert set(dict(recognition.predictions)) == set(CLASSES)
        assert max(recognition.frames) < 0.8 * 10


def test_images_are_those_of_the_camera(camera):
    with Stream(camera, 0.5, 10) as stream:
        source, _ = next(stream.windows(1))
    levels = [image.mean() for image in source.content]
    assert 3 <= len(levels) <= 6 and source.name == camera
    assert (np.diff(levels) > 0).all()


def test_no_camera():
    with pytest.raises(ValueError, match='cannot open.*127.0.0.1'):
        Stream('http://127.0.0.1:9/none', 1, 8)


def test_file_is_no_stream(videos):
    """It would be read faster than it plays."""
    with pytest.raises(ValueError, match='a file of 50 frames'):
        Stream('file://' + osp.abspath(videos[0]), 1, 8)


def test_errors_of_the_reader_arrive(bike, camera):
    with pytest.raises(ZeroDivisionError), Stream(camera, 1, 8) as stream:
        stream._period = 0  # of its own doing none is known
        next(stream.windows(1))


def test_what_is_a_stream():
    for name in ('0', 0, 'rtsp://host/path'):
        assert is_stream(name), name
    for name in ('video.mp4', ROOT):
        assert not is_stream(name), name


def test_command_line(bike, folder, camera, capsys):
    run_tool(
        'infer',
        camera,
        '--config',
        folder / 'small.py',
        '--checkpoint',
        folder / 'model.pth',
        '--classes',
        'a,b',
        '--window',
        0.5,
        '--stride',
        0.5,
        '--json',
        folder / 'stream.json',
    )
    content = json.loads((folder / 'stream.json').read_text())
    lines = capsys.readouterr().out.strip().splitlines()[-len(content) :]
    assert len(content) >= 2
    for line in lines:
        assert line.startswith('camera.mjpg ') and 'frames' in line
