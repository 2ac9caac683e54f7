"""What stands before the page: hosts, sites, forms, files and their space."""

import io
import os
import socket
import time

import pytest
from PIL import Image

from bike_mmaction.web import guard
from bike_mmaction.web.limits import Limits
from bike_mmaction.web.rules import UPLOAD
from bike_mmaction.web.uploads import DiskFullError, Uploads

pytest.importorskip('gradio', reason='Gradio is not installed')

from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from tests.kit.web_client import write_large_frame, write_mpeg4


def guarded(tmp_path, host='127.0.0.1', allowed=(), limits=None):
    """A client of an app that takes all, behind a guard."""

    async def app(scope, receive, send):
        size, more = 0, True
        while more:
            message = await receive()
            if message['type'] == 'http.disconnect':
                return
            size, more = size + len(message['body']), message.get('more_body')
        await PlainTextResponse(f'took {size}')(scope, receive, send)

    limits = limits or Limits()
    uploads = Uploads(str(tmp_path), limits.disk)
    app = guard.Guard(app, host, allowed, uploads, limits)
    return TestClient(app, 'http://127.0.0.1:7860')


JOIN = '/gradio_api/queue/join'
BINARY = 'application/octet-stream'


@pytest.mark.parametrize(
    'host,allowed,taken,refused',
    [
        (
            '127.0.0.1',
            (),
            'localhost:7860 127.0.0.1 [::1]:7860 LOCALHOST',
            'evil.com 10.0.0.1 x@localhost localhost.evil.com localhost/',
        ),
        ('0.0.0.0', (), f'10.0.0.1:7860 [fe80::1] {socket.gethostname()}', 'evil.com'),
        ('10.0.0.1', ('Lab.example',), '10.0.0.1 lab.example:80', '10.0.0.2 x.example'),
    ],
)
def test_hosts(tmp_path, host, allowed, taken, refused):
    client = guarded(tmp_path, host, allowed)
    for name in taken.split():
        assert client.get('/', headers={'host': name}).status_code == 200, name
    for name in refused.split():
        answer = client.get('/', headers={'host': name})
        assert (answer.status_code, '--allow-host' in answer.text) == (403, True), name


def test_pages_of_other_sites(tmp_path):
    client = guarded(tmp_path, allowed=['lab.example'])
    for headers in (
        {},
        {'origin': 'http://127.0.0.1:7860'},
        {'origin': 'https://lab.example'},  # of a proxy
        {'sec-fetch-site': 'same-origin'},
    ):
        assert client.post(JOIN, json={}, headers=headers).status_code == 200, headers
    for headers in (
        {'origin': 'http://evil.com'},
        {'origin': 'null'},
        {'origin': 'http://127.0.0.1:3000'},
        {'origin': 'http://127.0.0.1:7860.evil.com'},
        {'sec-fetch-site': 'cross-site'},
    ):
        assert client.post(JOIN, json={}, headers=headers).status_code == 403, headers
        headers['sec-fetch-mode'] = 'no-cors'
        assert client.get('/config', headers=headers).status_code == 403, headers
    link = {'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate'}
    assert client.get('/', headers=link).status_code == 200


def form(size, head='name="files"; filename="a.mp4"', parts=1):
    """Content and headers of a form, whose parts have so many bytes."""
    part = f'--x\r\nContent-Disposition: form-data; {head}\r\n\r\n'.encode()
    content = parts * (part + b'a' * size + b'\r\n') + b'--x--\r\n'
    return dict(
        content=content, headers={'content-type': 'multipart/form-data; boundary=x'}
    )


def test_sizes_of_requests(tmp_path):
    limits = Limits(upload=100_000, disk=300_000)
    client = guarded(tmp_path, limits=limits)
    assert client.post(UPLOAD, **form(90_000)).text.startswith('took 90')
    answer = client.post(UPLOAD, **form(200_000))
    assert (answer.status_code, answer.text[:10]) == (413, 'files may ')
    chunks = iter([b'a', b'b'])  # without a length
    assert client.post(UPLOAD, content=chunks).status_code == 411
    answer = client.post(UPLOAD, **form(90_000))  # more than half, of one visitor
    assert (answer.status_code, 'you have sent' in answer.text) == (507, True)
    (tmp_path / 'kept').mkdir()
    (tmp_path / 'kept' / 'video.mp4').write_bytes(b'a' * 250_000)
    client = guarded(tmp_path, limits=limits)
    answer = client.post(UPLOAD, **form(90_000))
    assert (answer.status_code, 'try again' in answer.text) == (507, True)


def test_forms_that_are_no_upload(client):
    """Gradio would open a thousand files, or keep 2 GB in memory."""
    wrong = {}
    for message, request in {
        'an upload is one file': form(10, parts=500),
        'an upload is a file, with a name': form(10**6, 'name="files"'),
        'the upload is damaged': dict(form(10), content=b'no form'),
        'an upload is a form': dict(form(10), headers={}),
    }.items():
        answer = client.http.post(UPLOAD, **request)
        if (answer.status_code, message in answer.text) != (400, True):
            wrong[message] = answer.status_code, answer.text[:200]
    assert not wrong
    assert client.http.post(UPLOAD, **form(10)).status_code == 200


def test_uploads_are_no_pages(client, tmp_path):
    for name in ('a.html', 'a.svg', 'a.mp4'):
        (tmp_path / name).write_text('<svg onload="alert(1)"/>')
        _, path = client.upload(tmp_path / name)
        for headers in ({}, {'range': 'bytes=0-9'}):
            answer = client.http.get(f'/gradio_api/file={path}', headers=headers)
            kind = answer.headers['content-type']
            assert kind == ('video/mp4' if name == 'a.mp4' else BINARY), name
            if name != 'a.mp4':
                assert answer.headers['content-disposition'].startswith('attachment')
            assert answer.headers['content-security-policy'].startswith('sandbox;')
            assert answer.headers['x-content-type-options'] == 'nosniff'


def test_previews(client, tmp_path):
    paths = {name: tmp_path / name for name in ('a.avi', 'text.avi', 'large.mkv')}
    write_mpeg4(paths['a.avi'])
    paths['text.avi'].write_text('no video')
    write_large_frame(paths['large.mkv'], 16000)
    sizes = {}
    for name, path in paths.items():
        _, path = client.upload(path)
        answer = client.http.get(f'/gradio_api/preview={path}')
        if answer.status_code == 200:
            with Image.open(io.BytesIO(answer.content)) as image:
                sizes[name] = image.format, image.size
        else:
            sizes[name] = answer.status_code
    # Three columns and two rows of frames of 64 x 48 pixels, with gaps of 4.
    assert sizes == {'a.avi': ('JPEG', (200, 100)), 'text.avi': 404, 'large.mkv': 404}
    assert client.http.get('/gradio_api/preview=/etc/passwd').status_code == 404


def test_space_for_uploads(tmp_path):
    uploads = Uploads(str(tmp_path), 1000)
    paths = [tmp_path / name / 'video.mp4' for name in 'abc']
    for number, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(b'a' * 300)
        os.utime(path, (0, time.time() - 10000 * (2 - number)))
    uploads.make_room(400)  # the oldest goes
    assert [path.exists() for path in paths] == [False, True, True]
    with pytest.raises(DiskFullError, match='try again in ten minutes'):
        uploads.make_room(800)  # c is new
    assert [path.exists() for path in paths] == [False, False, True]
    with pytest.raises(DiskFullError), uploads.receiving(100):
        (tmp_path / 'half').write_bytes(b'a' * 100)
        uploads.add(1000)
    assert [path.name for path in tmp_path.iterdir()] == ['c']
