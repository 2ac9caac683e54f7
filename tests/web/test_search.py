"""Search on the page, and what may be seen of the videos of an index."""

import dataclasses
import io
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from bike_mmaction.apis import VideoSearch, embed_videos
from bike_mmaction.web.limits import Limits
from bike_mmaction.web.moments import Moments
from tests.kit.videos import write_video
from tests.kit.web_client import write_mpeg4

pytest.importorskip('gradio', reason='Gradio is not installed')


@pytest.mark.slow
class TestInBrowser:
    def test_moments_that_are_found(self, rich_visit, bike, indexed):
        visit = rich_visit
        visit.open_tab('Search')
        assert not visit.shows('#recognize, #own, #classes, #threshold')
        visit.type('#topk', '2')
        visit.type('#search_window', '0.5')
        visit.type('#query', 'a dune & <b>waves</b>')
        visit.all('#search')[0].click()
        visit.wait(lambda: visit.all('#matches .moment'), 'the videos')
        search = VideoSearch(bike, str(indexed / 'index'))
        (matches,) = search('a dune & <b>waves</b>', topk=2, window=0.5)
        shown = [
            [cell.text for cell in row.find_elements('css selector', 'td')[1:]]
            for row in visit.all('#matches tr')[1:]
        ]
        assert shown == [
            [
                os.path.basename(match.video),
                f'{match.start:.1f} s – {match.end:.1f} s',
                f'{match.score:.3f}',
            ]
            for match in matches
        ]
        assert visit.all('#found h2')[0].text == 'a dune & <b>waves</b>'
        # Four frames of 64 x 48 pixels in a row, with gaps of 4.
        assert visit.value_of('#matches img', 'naturalWidth') == 4 * 64 + 3 * 4
        visit.all('#matches .moment')[1].click()
        begin = visit.value_of('.player video', 'currentTime')
        assert begin >= matches[1].start
        assert visit.value_of('.player video', 'duration') == pytest.approx(2, abs=0.1)
        assert visit.fits()
        visit.all('#matches .moment')[0].click()  # one plays at a time
        assert len(visit.all('.player')) == 1

    def test_video_that_browsers_do_not_play(self, rich_visit, rich_page, tmp_path):
        rich_visit.open_tab('Search')
        rich_visit.type('#query', 'a dune')
        rich_visit.all('#search')[0].click()
        rich_visit.wait(lambda: rich_visit.all('#matches .moment'), 'the videos')
        rich_visit.browser.execute_script(
            'document.querySelector(".moment").dataset.video = "/favicon.ico"'
        )
        rich_visit.all('#matches .moment')[0].click()
        text = rich_visit.value_of('.player', 'innerText')
        assert text.strip() == 'Your browser cannot play this file.'


def keys_of(client, text='a dune'):
    """Those of the videos that a search gives, the best first."""
    answer = client.post('search', [text, 10, 0])
    _, table = client.result(answer, 'search')
    return re.findall(r'indexed=(\w+)', table['value'])


def test_only_what_was_found_is_served(rich_client, indexed, bike):
    client, video = rich_client, indexed / 'videos' / '0.mp4'
    content = video.read_bytes()
    keys = keys_of(client)
    assert len(keys) == 3
    answers = [client.http.get(f'/gradio_api/indexed={key}') for key in keys]
    (place,) = [i for i, answer in enumerate(answers) if answer.content == content]
    address = f'/gradio_api/indexed={keys[place]}'
    part = client.http.get(address, headers={'range': 'bytes=10-19'})
    assert (part.status_code, part.content) == (206, content[10:20])
    for answer in (part, answers[place]):
        assert answer.headers['content-type'] == 'video/mp4'
        assert answer.headers['content-security-policy'].startswith('sandbox;')
    picture = client.http.get(f'/gradio_api/moment={keys[place]}')
    with Image.open(io.BytesIO(picture.content)) as image:
        assert (image.format, image.height) == ('JPEG', 48)
    # Neither paths, nor keys that no search has given.
    other = f'{int(keys[place], 16) ^ 1:032x}'
    for what in (other, '0', str(video), '../0.mp4', f'{keys[place]}/', '%2e%2e'):
        for kind in ('indexed', 'moment'):
            answer = client.http.get(f'/gradio_api/{kind}={what}')
            assert answer.status_code == 404, (kind, what)
    # Other files, also in the place of one that was indexed.
    assert client.http.get(f'/gradio_api/file={video}').status_code == 404
    state = os.stat(video)
    moved = video.rename(video.with_name('moved'))
    try:
        video.symlink_to('/etc/passwd')
        assert client.http.get(address).status_code == 404
        assert len(keys_of(client)) == 2  # the third is not there any more
        video.unlink()
        video.write_bytes(b'a' * len(content))
        assert client.http.get(address).status_code == 404
        os.utime(video, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
        assert client.http.get(address).status_code == 404
    finally:
        moved.replace(video)
    assert client.http.get(address).status_code == 200
    for headers in ({'host': 'evil.com'}, {'sec-fetch-site': 'cross-site'}):
        assert client.http.get(address, headers=headers).status_code == 403


def test_searches_that_are_refused(rich_client):
    wrong = {}
    for values, message in (
        (['', 5, 0], 'Say what to search for'),
        ([None, 5, 0], 'Say what to search for'),
        (['a' * 1001, 5, 0], 'has 1,001 characters; the page takes at most 1,000'),
        (['a', 51, 0], 'greater than maximum value 50'),
        (['a', 0, 0], 'less than minimum value 1'),
        (['a', None, 0], 'the number of videos is 0; expected 1 to 50'),
        (['a', 5, float('inf')], 'the window is inf s; expected seconds'),
        (['a', 5, float('nan')], 'the window is nan s; expected seconds'),
        (['a', 5, -1], 'less than minimum value 0'),
    ):
        answer = rich_client.post('search', values)
        shown = rich_client.result(answer, 'search')[0]
        if message not in shown:
            wrong[str(values)[:40]] = shown
    assert not wrong
    headers = {'origin': 'http://evil.com'}
    assert rich_client.post('search', ['a', 5, 0], headers).status_code == 403


def test_names_of_videos(bike, tmp_path):
    """Their folders are nobody's business; what they share is left out."""
    for name in ('x/1.mp4', 'x/y/2.mp4'):
        write_video(tmp_path / 'secret' / name, num_frames=25)
    write_mpeg4(tmp_path / 'secret' / 'x' / '3.avi')
    embed_videos(bike, str(tmp_path / 'secret'), str(tmp_path / 'index'))
    moments = Moments(VideoSearch(bike, str(tmp_path / 'index')), Limits())
    matches = moments.find('a dune', 10, None)
    assert sorted(map(moments.name_of, matches)) == ['1.mp4', '3.avi', 'y/2.mp4']
    video = os.fsdecode(b'%s/secret/x/caf\xe9.mp4' % os.fsencode(tmp_path))
    match = dataclasses.replace(matches[0], video=video)
    assert moments.name_of(match) == 'caf\ufffd.mp4'
    assert moments.remember(match)


def test_one_search_at_a_time(rich_page, monkeypatch):
    """An index keeps the windows of the last search."""
    busy = threading.Lock()

    def search(*_):
        assert busy.acquire(blocking=False), 'two at a time'
        time.sleep(0.01)
        busy.release()
        return [[]]

    monkeypatch.setattr(rich_page._moments, '_search', search)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _: rich_page._moments.find('a', 3, 1), range(8))
        assert list(found) == [[]] * 8


def test_page_without_an_index_is_no_way_to_files():
    """See `test_only_what_was_found_is_served` for one that has an index."""
    from starlette.testclient import TestClient

    from bike_mmaction.web.guard import Guard
    from bike_mmaction.web.uploads import Uploads

    limits = Limits()
    guard = Guard(None, '127.0.0.1', (), Uploads('/nowhere', limits.disk), limits)
    client = TestClient(guard, 'http://127.0.0.1:7860')
    for kind in ('indexed', 'moment'):
        answer = client.get(f'/gradio_api/{kind}=abc')
        assert (answer.status_code, answer.text) == (404, 'this page has no index')
