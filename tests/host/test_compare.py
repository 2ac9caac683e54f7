"""The comparison of MMAction2's tests, on a small release and on a real one."""

import http.server
import io
import os
import signal
import sys
import tarfile
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.host.compare import default_cache, get_archive, main, summary
from tests.host.release import NotComparable, unpack
from tests.host.runs import run_tests
from tests.host.small_release import HANGING, SMALL, write_release
from tests.kit.tools import free_port, run_process, start_process


@pytest.fixture
def server(tmp_path):
    """Serves the files of a folder: the folder, and its address."""
    folder = tmp_path / 'served'
    folder.mkdir()
    handler = partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield folder, f'http://127.0.0.1:{served.server_port}'
        served.shutdown()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith('cut.tar.gz'):
            self.send_response(200)
            self.send_header('Content-Length', '1000')
            self.end_headers()
            self.wfile.write(b'x' * 10)
        else:
            super().do_GET()

    def log_message(self, *args):
        pass


def compare(*args):
    return run_process(sys.executable, '-m', 'tests.host.compare', *args)


@pytest.mark.slow
def test_names_each_test_that_the_plugin_breaks(server, tmp_path):
    folder, address = server
    write_release(folder / 'v1.2.0.tar.gz', SMALL)
    url = f'{address}/v1.2.0.tar.gz'
    done = compare('--archive', url, '--cache', tmp_path)
    assert done.returncode == 1, done.stderr
    assert f'fetching {url}' in done.stderr
    lines = [line for line in done.stdout.splitlines() if 'seconds' not in line]
    assert lines[0].startswith('tests of v1.2.0.tar.gz, SHA-256 ')
    assert lines[1:] == [
        '  ended with status 3 in tests/test_z_last.py::test_crash',
        f'logs and results: {tmp_path}/results',
        'pass only with bike_mmaction: 1',
        '  tests/test_heads.py::test_head: failed: ModuleNotFoundError: '
        "No module named 'mmaction.models.localizers.drn'",
        'pass only without bike_mmaction: 5 of 9',
        '  tests/test_alone.py::test_alone: was not run: '
        'E   ImportError: somebody was here before',
        '  tests/test_registry.py::test_no_recognizer_of_plugins: failed: '
        'assert not True',
        '  tests/test_registry.py::test_teardown: failed: AssertionError: left behind',
        '  tests/test_z_last.py::test_crash: did not end',
        '  tests/test_z_last.py::test_after_crash: was not run',
    ]
    counts = [line.split(';')[0] for line in done.stdout.splitlines() if '; ' in line]
    assert counts == [
        'without bike_mmaction: 9 of 12 tests pass, 2 fail, 1 skipped',
        'with bike_mmaction: 5 of 10 tests pass, 3 fail, 1 skipped, '
        'files not imported: 1',
    ]


@pytest.mark.slow
def test_harmless(tmp_path):
    archive = write_release(tmp_path / 'release.tar.gz', SMALL)
    options = ('--cache', tmp_path / 'cache', 'tests/datasets', '-k', 'not names')
    done = compare('--archive', archive, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last == 'all 3 tests that pass without bike_mmaction pass with it'
    kept = sorted(os.listdir(tmp_path / 'cache/results'))
    assert kept == ['with.log', 'with.xml', 'without.log', 'without.xml']
    assert os.listdir(tmp_path / 'cache') == ['results']


def test_hanging_test_is_named(tmp_path):
    archive = write_release(tmp_path / 'release.tar.gz', HANGING)
    unpack(archive, tmp_path / 'source')
    for timeout in (5, 20, 80):  # a busy machine may not have begun yet
        folders = str(tmp_path / 'source'), str(tmp_path)
        run = run_tests(*folders, 'without', [], [], timeout)
        if len(run.outcomes) > 1:
            break
    assert run.outcomes == {
        'tests/test_time.py::test_quick': 'passed',
        'tests/test_time.py::test_hangs': 'did not end',
    }
    told = 'stopped because of --timeout, in tests/test_time.py::test_hangs'
    assert told in summary('without', run)


def test_terminated_comparison_stops_its_tests(tmp_path):
    archive = write_release(tmp_path / 'release.tar.gz', HANGING)
    cache = tmp_path / 'cache'
    args = ('--archive', archive, '--cache', cache)
    process = start_process(sys.executable, '-m', 'tests.host.compare', *args)
    wait_for(lambda: 'test_hangs' in written_below(cache))
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert os.listdir(cache) == ['results']
    assert not processes_of(cache)


def wait_for(is_so, seconds=120):
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f'not so after {seconds} seconds'
        time.sleep(0.1)


def written_below(cache):
    return ''.join(path.read_text() for path in cache.glob('source-*/outcomes.jsonl'))


def processes_of(folder):
    """Commands of running processes that name a folder."""
    commands = []
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        with suppress(OSError):  # it has ended
            commands.append(path.read_text(errors='replace'))
    return [command for command in commands if str(folder) in command]


def test_mistakes_in_one_line(server, tmp_path, capsys):
    folder, address = server
    (folder / 'page.tar.gz').write_text('<html>no archive</html>')
    sdist = write_release(folder / 'sdist.tar.gz', {'setup.py': ''})
    small = write_release(folder / 'small.tar.gz', HANGING)
    nowhere = f'http://127.0.0.1:{free_port()}/v1.2.0.tar.gz'
    cases = {
        nowhere: f'cannot fetch {nowhere}: [Errno 111] Connection refused; fetch it '
        'where there is a network, and name it: --archive FILE',
        f'{address}/v9.tar.gz': 'v9.tar.gz: File not found; fetch it where',
        f'{address}/cut.tar.gz': 'cut.tar.gz: it ended after 10 of 1000 bytes; fetch',
        f'{address}/page.tar.gz': 'must be a whole .tar.gz file',
        str(tmp_path / 'absent.tar.gz'): "--archive: there is no file '",
        sdist: 'holds no tests: it must be the source archive from GitHub',
        small: 'pytest: ERROR: file or directory not found: tests/absent.py',
    }
    faults = []
    for archive, expected in cases.items():
        args = ['--archive', archive, '--cache', str(tmp_path), 'tests/absent.py']
        status, printed = main(args), capsys.readouterr().err
        *_, last = printed.splitlines()
        if status != 2 or not last.startswith('compare: error: '):
            faults.append(f'{archive}: {status}, {printed}')
        elif expected not in last or 'Traceback' in printed:
            faults.append(f'{archive}: {last}')
    assert not faults, '\n'.join(faults)
    assert not (tmp_path / 'named/cut.tar.gz').exists()


def test_unpacks_nothing_elsewhere(tmp_path):
    names = ['top/tests/good.py', 'top/tests/../../bad.py', '/tests/bad.py']
    names += ['top/docs/bad.md', f'top/{tmp_path}/bad.py', '../tests/../bad.py']
    archive = tmp_path / 'hostile.tar.gz'
    with tarfile.open(archive, 'w:gz') as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo('top/tests/link')
            link.type, link.linkname = kind, '/etc/passwd'
            tar.addfile(link)
    unpack(archive, tmp_path / 'a/b')
    written = [str(path) for path in tmp_path.rglob('*') if path.is_file()]
    assert sorted(written) == [f'{tmp_path}/a/b/tests/good.py', str(archive)]


@pytest.mark.slow
def test_release_of_mmaction2(tmp_path):
    """Takes as long as MMAction2's tests take, twice: only where it is asked for."""
    if not os.environ.get('BIKE_HOST_TESTS'):
        pytest.skip("MMAction2's own tests, twice: set BIKE_HOST_TESTS=1 to run them")
    try:
        archive = get_archive(None, default_cache(), timeout=5)
    except NotComparable as error:
        pytest.skip(f'the release of MMAction2: {error}')
    assert main(['--archive', archive, '--cache', str(tmp_path)]) == 0
