"""Load the web page and attack it, while somebody else wants to use it.

    python -m tests.stress.web_load [REQUESTS] [--time-limit SECONDS]

REQUESTS are sent at the same time (default: 200). The page is `bike web` with a
tiny model. Prints a line for each attack: what came of it, the longest that the
page and a place in its queue took for others meanwhile, and the largest memory
and disk. Exit status: 0 if all was served or refused, and nobody waited longer
than 5 seconds.
"""

import argparse
import shutil
import socket
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

from tests.kit.videos import write_video
from tests.kit.web_client import (
    META,
    PageClient,
    repeat_video,
    write_good,
    write_large_frame,
    write_lying_size,
    write_playlists,
)
from tests.kit.web_server import PageProcess, Watch, timed

PATIENCE = 5  # seconds that others may wait
UPLOAD, DISK = 0.05, 0.2  # GB
OPTIONS = f'--max-upload {UPLOAD} --max-disk {DISK} --max-seconds 60'
OTHER = '127.0.9.1'  # who is no attacker
ATTACKS = {}
FAILURES = []


def attack(function):
    ATTACKS[function.__name__.replace('_', ' ')] = function
    return function


def ask(url, path, name=None, address='127.0.0.1', **options):
    """Upload and recognize; the first line of what the page says."""
    with PageClient(url, 300, address) as client:
        answer, video = client.upload(path, name)
        if video is None:
            return f'{answer.status_code} {answer.text}'[:70]
        lines = client.recognize(video, **options).splitlines()
        return ' '.join(lines[: 1 + ('Not recognized' in lines[0])])


def expect(answers, *parts):
    """Counts of the answers that have one of these parts; others are wrong."""
    answers = [answers] if isinstance(answers, str) else answers
    counts = Counter()
    for answer in answers:
        part = next((part for part in parts if part in answer), None)
        if part is None:
            FAILURES.append(answer)
        counts[part or f'WRONG: {answer[:200]}'] += 1
    return ', '.join(f'{count} x {part!r}' for part, count in counts.items())


@attack
def many_at_once(url, files, size):
    def one(number):
        options = dict(classes=f'class {number},other', window=number % 3)
        address = f'127.0.1.{1 + number % 200}'
        return ask(url, files['good'], f'{number}.mp4', address, **options)

    with ThreadPoolExecutor(size) as pool:
        answers = list(pool.map(one, range(size)))
    return expect(answers, '## class', '## other', ' window', 'Queue is full', '503')


@attack
def many_of_one_visitor(url, files, size):
    with ThreadPoolExecutor(size) as pool:
        mine = [pool.submit(ask, url, files['good']) for _ in range(size)]
        other = ask(url, files['good'], address=OTHER)
        answers = [answer.result() for answer in mine]
    results = '## a dog', '## yoga'
    what = expect(answers, 'requests wait already', 'connections open', *results)
    return f'{what}; of another: {expect(other, *results)}'


@attack
def hang_and_crash(url, files, size):
    with ThreadPoolExecutor(3) as pool:
        hang = pool.submit(ask, url, files['good'], 'hang.mp4')
        crash = pool.submit(ask, url, files['good'], 'abort.mp4')
        other = pool.submit(timed(lambda: ask(url, files['good'], address=OTHER)))
        what = expect([hang.result(), crash.result()], 'not read within', 'crashed')
        return f'{what}; recognized for another in {other.result():.1f} s'


@attack
def several_videos(url, files, size):
    """One of them hangs, one crashes, one is no video; the last one is good."""
    with PageClient(url, 300) as client:
        names = 'hang.mp4', 'abort.mp4', 'good.mp4'
        paths = [client.upload(files['good'], name)[1] for name in names]
        paths.insert(2, client.upload(files['part'])[1])
        videos = [{'path': path, 'meta': META} for path in paths]
        answer = client.post('recognize_each', [videos, 'a dog,yoga', 0, True, None])
        shown = client.result(answer, 'recognize_each')
    parts = 'not read within', 'crashed', 'no video', '<b>'
    rows = shown[1]['value'].split('</tr>')[1:-1] if len(shown) > 1 else shown
    return expect(rows, *parts)


@attack
def large_frames(url, files, size):
    answers = [ask(url, files[name]) for name in ('large', 'lying')]
    return expect(answers, 'the page takes at most 35.4 million')


@attack
def tiny_window(url, files, size):
    answers = [ask(url, files['long'], window=w) for w in (1e-4, 0.1, float('inf'))]
    return expect(answers, 'shorter than a frame', 'or more', 'window is inf s')


@attack
def many_classes(url, files, size):
    texts = ['\n'.join(map(str, range(2000))), 'a' * 60000, 'a,b' * 10**6]
    texts.append(",'a" * 16000)
    answers = [ask(url, files['good'], classes=text) for text in texts]
    return expect(answers, 'takes at most', 'bytes at most', 'more than once')


@attack
def lists_of_other_files(url, files, size):
    answers = [ask(url, path) for path in files['playlists']]
    return expect(answers, 'names other files', 'no video', 'no permission')


@attack
def huge_file(url, files, size):
    return expect(ask(url, files['huge']), 'GB at most')


@attack
def uploads_that_stop(url, files, size):
    host, port = url.split('/')[2].split(':')
    head = (
        f'POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\n'
        'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n'
        '\r\n--x\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"'
        '\r\n\r\n'
    )
    with ExitStack() as stack:
        for _ in range(size // 2):
            other = stack.enter_context(socket.create_connection((host, int(port))))
            other.sendall(head.encode() + b'a' * 1000)
        threading.Event().wait(2)
    return f'{size // 2} connections held, then dropped'


@attack
def foreign_hosts_and_sites(url, files, size):
    with PageClient(url) as client:
        headers = [{'host': 'evil.com'}, {'host': 'x@127.0.0.1'}]
        answers = [client.http.get('/', headers=one).text for one in headers]
        headers = [{'origin': 'http://evil.com'}, {'origin': 'null'}]
        headers.append({'sec-fetch-site': 'cross-site'})
        answers += [client.join(None, headers=one).text for one in headers]
    return expect(answers, 'not known as', 'pages of other sites')


@attack
def files_of_the_server(url, files, size):
    paths = 'file=/etc/passwd file=http://127.0.0.1:1/ proxy=http://127.0.0.1:1/'
    paths = [*paths.split(), f'file={files["good"]}']
    with PageClient(url) as client:
        answers = [client.http.get(f'/gradio_api/{path}').text for path in paths]
        videos = ('/etc/passwd', files['good'], 'http://127.0.0.1:1/a.mp4')
        answers += [client.recognize(video) for video in videos]
    return expect(answers, 'no such file', 'no such address')


@attack
def full_disk(url, files, size):
    def one(number):
        with open(files['part'], 'rb') as file:
            content = file.read() + str(number).encode()
        with PageClient(url, address=f'127.0.2.{1 + number % 4}') as client:
            form = {'files': (f'{number}.mp4', content)}
            answer = client.http.post('/gradio_api/upload', files=form)
            return f'{answer.status_code} {answer.text}'

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(one, range(min(size, 40))))
    return expect(answers, '200', 'try again in ten minutes', 'you have sent')


def make_files(folder, size):
    good = write_good(folder)
    files = dict(
        good=good, long=repeat_video(f'{folder}/long.mp4', good, max(200, 10 * size))
    )
    files['large'] = write_large_frame(f'{folder}/large.mkv', 16000)
    files['lying'] = write_lying_size(f'{folder}/lying.mkv', files['large'])
    secret = write_video(f'{folder}/secret.ts')
    files['playlists'] = write_playlists(folder, secret)
    for name, length in (('huge', 1.5 * UPLOAD), ('part', 0.5 * UPLOAD)):
        files[name] = f'{folder}/{name}.mp4'
        with open(files[name], 'wb') as file:
            file.truncate(int(length * 2**30))
    return files


def load(size, time_limit, places=20, without=()):
    """The attacks, on a page of their own; what was wrong, a line each.

    Args:
        size (int): Requests at the same time.
        time_limit (float): Of the page, in seconds, to read a video.
        places (int): In its queue. Defaults to 20.
        without (tuple[str]): Names of attacks to leave out. Defaults to ().
    """
    FAILURES.clear()
    folder = tempfile.mkdtemp(prefix='bike_load_')
    files = make_files(folder, size)
    print('attack | what came of it | others waited, page / queue | memory | disk')
    options = f'{OPTIONS} --time-limit {time_limit} --max-queue {places}'.split()
    with PageProcess(folder, *options) as page:
        print(f'before | | | {page.memory() / 2**20:.0f} MB | 0 MB', flush=True)
        for name in [name for name in ATTACKS if name not in without]:
            attack_while_watched(name, ATTACKS[name], page, files, size)
        print(f'after | | | {page.memory() / 2**20:.0f} MB | ', end='')
        print(f'{page.disk() / 2**20:.0f} MB', flush=True)
    left = page.disk()
    if left:
        FAILURES.append(f'after its end {left} bytes of files are left')
    shutil.rmtree(folder)
    return FAILURES


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('requests', type=int, nargs='?', default=200)
    parser.add_argument('--time-limit', type=float, default=15)
    args = parser.parse_args()
    failures = load(args.requests, args.time_limit)
    for failure in failures:
        print('WRONG:', failure[:300])
    return bool(failures)


def in_another_process(function, *args):
    """Else the attack would slow down those who measure.

    Not a copy of this process: a copy waits for ever for a module that another
    thread is importing just then.
    """
    context = get_context('forkserver')
    context.set_forkserver_preload([__spec__.name])
    with context.Pool(1) as pool:
        what, failures = pool.apply(report, (function, *args))
    FAILURES.extend(failures)
    return what


def report(function, *args):
    FAILURES.clear()
    return function(*args), FAILURES


def attack_while_watched(name, function, page, files, size):
    with (
        PageClient(page.url, address=OTHER) as visitor,
        Watch(timed(lambda: visitor.http.get('/').raise_for_status()), 0.2) as shown,
        Watch(timed(lambda: visitor.join(None)), 0.5) as queued,
        Watch(page.memory, 0.3) as memory,
        Watch(page.disk, 0.3) as disk,
    ):
        what = in_another_process(function, page.url, files, size)
    print(
        f'{name} | {what} | {shown.largest:.2f} / {queued.largest:.2f} s | '
        f'{memory.largest / 2**20:.0f} MB | {disk.largest / 2**20:.0f} MB',
        flush=True,
    )
    if max(shown.largest, queued.largest) > PATIENCE:
        FAILURES.append(f'{name}: others waited; {shown.error or queued.error or ""}')
    if disk.largest > 1.2 * DISK * 2**30:
        FAILURES.append(f'{name}: {disk.largest} bytes on the disk')


if __name__ == '__main__':
    sys.exit(main())
