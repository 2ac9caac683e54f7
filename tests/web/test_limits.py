"""The web page, as a stranger, a script and another site attack it."""

import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from bike_mmaction.web.folders import PREFIX, PageFolder, delete_abandoned
from bike_mmaction.web.jobs import Jobs
from bike_mmaction.web.limits import Limits
from bike_mmaction.web.models import Wanted
from bike_mmaction.web.visitors import TRUSTED, Connections, trusting, visitor_of
from tests.kit.videos import write_video

pytest.importorskip('gradio', reason='Gradio is not installed')


from tests.kit.web_client import (
    META,
    PageClient,
    repeat_video,
    write_large_frame,
    write_playlists,
)


@pytest.fixture(scope='module')
def good(client, folder):
    """The path of an uploaded video."""
    return client.upload(folder / 'good.mp4')[1]


def test_requests_that_are_refused(client, good, folder, tmp_path):
    long = repeat_video(tmp_path / 'long.mp4', folder / 'good.mp4', 100)
    _, long = client.upload(long)
    _, large = client.upload(write_large_frame(tmp_path / 'large.mkv', 16000))
    playlist = write_playlists(tmp_path, write_video(tmp_path / 'secret.ts'))[0]
    _, playlist = client.upload(playlist)
    numbers = '\n'.join(map(str, range(2000)))
    cases = [
        (good, dict(window=1e-4), 'shorter than a frame: here one takes 0.04 s'),
        (good, dict(window=float('inf')), 'the window is inf s; expected seconds'),
        (good, dict(window=float('nan')), 'the window is nan s; expected seconds'),
        (good, dict(window=-1), 'less than minimum value 0'),
        (good, dict(threshold=float('nan')), 'the threshold is nan; expected 0 to 1'),
        (good, dict(classes=numbers), 'there are 2,000 classes; the page takes at mos'),
        (good, dict(classes='a' * 60000), 'have 60,000 characters; the page takes at'),
        (good, dict(classes='a' * 2**21), '413 a request may have 1,048,576 bytes'),
        (long, dict(window=0.1), 'for this video of 200 s; the page takes at most'),
        (long, dict(window=0.1), 'use windows of 0.2 s or more'),
        (large, {}, '16000 x 16000 pixels; the page takes at most 35.4 million'),
        (playlist, {}, "'list.m3u8': it is a playlist, which names other files"),
        ({'path': good}, {}, 'this page has no such file'),
        ({'path': 'good.mp4', 'meta': META}, {}, 'this page has no such file'),
        (str(folder / 'good.mp4'), {}, 'this page has no such file'),
        ('http://127.0.0.1:1/a.mp4', {}, 'this page has no such file'),
        (None, {}, 'Drop a video first'),
    ]
    wrong = []
    for video, options, message in cases:
        answer = client.recognize(video, **options)
        if message not in answer:
            wrong.append((str(options)[:30], message, answer[:200]))
    assert not wrong
    assert client.recognize(good).startswith('## ')


def test_files_and_addresses_that_are_not_served(client, good, folder, page):
    link = os.path.join(os.path.dirname(good), 'link')
    os.symlink('/etc/passwd', link)
    for path in (
        'file=/etc/passwd',
        f'file={good}/../../../../../../etc/passwd',
        f'file={link}',
        f'file={folder / "good.mp4"}',
        'file=http://127.0.0.1:1/',
        'proxy=http://127.0.0.1:1/',
        'deep_link',
        'runs',
        'users',
        'custom_component/1/client/component/index.js',
    ):
        assert client.http.get(f'/gradio_api/{path}').status_code == 404, path
    os.remove(link)
    for path in ('/pwa_icon/9999', '/monitoring', '/login', '/svelte/a'):
        assert client.http.get(path).status_code == 404, path
    assert client.http.get(f'/?a={"a" * 5000}').status_code == 414
    assert client.http.get(f'/gradio_api/file={good}').status_code == 200
    for path in ('/gradio_api/run/recognize', '/gradio_api/process_recording'):
        assert client.http.post(path, json={}).status_code == 404, path


def test_names_of_uploads(client, folder, page):
    names = ['../../../up.mp4', 'n' * 300 + '.mp4', '<img src=x onerror=y>.mp4', 'a\n']
    for name in names:
        _, path = client.upload(folder / 'good.mp4', name)
        assert page._uploads.has(path)
        assert len(os.path.basename(path)) <= 200 and not set(path) & set('<>\n')
    assert client.upload(folder / 'good.mp4', '..')[0].status_code == 400


def test_full_queue(url, page, good, monkeypatch):
    started, release = threading.Semaphore(0), threading.Event()

    def wait(*_):
        started.release()
        assert release.wait(30)
        raise ValueError('waited')

    monkeypatch.setattr(page._jobs, 'recognize', wait)
    limits = Limits()
    share = limits.of_one(limits.queue)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(PageClient(url, 60, f'127.0.0.{number}'))
            for number in range(1, 3 + limits.queue // share)
        ]
        pool = stack.enter_context(ThreadPoolExecutor(limits.at_once + limits.queue))
        stack.callback(release.set)

        def ask(client, count):
            return [pool.submit(client.recognize, good) for _ in range(count)]

        def wait_for(count):
            end = time.monotonic() + 20
            while len(page.blocks._queue) < count and time.monotonic() < end:
                time.sleep(0.01)
            assert len(page.blocks._queue) == count

        answers = ask(clients[0], limits.at_once)
        for _ in range(limits.at_once):
            assert started.acquire(timeout=10)
        *greedy, last = clients[1:]
        for number, client in enumerate(greedy, 1):
            answers += ask(client, share)
            wait_for(number * share)
            # Whom it says to speak for is believed of proxies alone.
            liar = {'x-forwarded-for': '10.0.0.7'}
            if number == 1:
                for headers in ({}, liar):
                    answer = client.join(good, headers=headers)
                    assert answer.status_code == 400
                    assert '5 of your requests wait already' in answer.text
        for headers in ({}, {'x-forwarded-for': '10.0.0.7'}):
            answer = last.join(good, headers=headers)
            assert answer.status_code == 503 and 'Queue is full' in answer.text
        assert last.http.get('/').status_code == 200
        release.set()
        assert all('waited' in answer.result() for answer in answers)


def test_folders_of_killed_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    running, fresh, killed = PageFolder(), PageFolder(), PageFolder()
    for folder in (fresh, killed):
        folder._file.close()  # as the end of its process does
    for folder in (running, killed):
        os.utime(folder.name, (0, 0))
    link = tmp_path / f'{PREFIX}link'
    link.symlink_to(killed.name)
    delete_abandoned()
    left = [os.path.exists(folder.name) for folder in (running, fresh, killed)]
    assert left == [True, True, False]
    running.cleanup()
    assert not os.path.exists(running.name)


def test_visitors():
    wrong = {}
    for given, visitor in {
        ('10.0.0.1', 5): '10.0.0.1',
        ('::ffff:10.0.0.1', 5): '10.0.0.1',
        ('2001:db8:1:2:3:4:5:6', 5): '2001:db8:1:2::/64',
        ('fe80::1%eth0', 5): 'fe80::/64',
        ('testclient', 5): 'unknown',
        None: 'unknown',
    }.items():
        if visitor_of(given) != visitor:
            wrong[given] = visitor_of(given)
    assert not wrong


def test_proxies_are_believed_while_the_server_starts(monkeypatch):
    for before, during in ((None, '127.0.0.1,::1,10.0.0.9'), ('a', 'a,10.0.0.9')):
        monkeypatch.delenv(TRUSTED, raising=False)
        if before:
            monkeypatch.setenv(TRUSTED, before)
        with trusting(['10.0.0.9']):
            assert os.environ[TRUSTED] == during
        assert os.environ.get(TRUSTED) == before


def test_connections_of_one_visitor():
    connections = Connections(Limits(open=8))
    with connections.of('a'), connections.of('a'):
        assert 'you have 2 connections open' in connections.refusal('a')
        assert not connections.refusal('b')
        with ExitStack() as stack:
            for number in range(6):
                stack.enter_context(connections.of(f'visitor {number}'))
            assert 'too many visitors' in connections.refusal('b')
    assert not connections.refusal('a')


def test_time_for_a_request(bike, good, page, tmp_path):
    jobs = Jobs(str(tmp_path), page._uploads, Limits(seconds=1e-3))
    results, files = jobs.recognize(good, Wanted(bike, ['a dog', 'yoga'], 0, 0.5))
    assert len(results) < 7
    assert 'stopped after 0.001 s' in results[0].warning
    assert "no 'good_bike.mp4': the time for one request is over" in results[0].warning
    assert sorted(files) == ['.json', '.png']


def test_long_videos_are_not_drawn(bike, good, page, tmp_path):
    jobs = Jobs(str(tmp_path), page._uploads, Limits(drawn=49))
    results, files = jobs.recognize(good, Wanted(bike, ['a dog', 'yoga'], 0))
    assert results[0].warning.startswith('no annotated video: it has 50 frames')
    assert sorted(files) == ['.json', '.png']
