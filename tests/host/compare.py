"""Compare MMAction2's own tests without bike_mmaction and with it.

    python -m tests.host.compare [--archive FILE_OR_URL] [options of pytest]

The source archive of the installed version of MMAction2 is fetched once. Its
tests run twice, each time in a fresh process and a fresh folder. Every test
that passes without ``import bike_mmaction`` must pass with it.

Exit status: 0 if so, 1 if not or if a run did not end, 2 if nothing could be
compared.
"""

import argparse
import os
import os.path as osp
import shutil
import signal
import sys
import tempfile
from importlib.metadata import version

from bike_mmaction.files import file_sha256
from bike_mmaction.terminal import say
from tests.host.release import URL, NotComparable, fetch, unpack
from tests.host.runs import FAILED, PASSED, SKIPPED, run_tests

WITHOUT, WITH = 'without', 'with'
PLUGINS = {WITHOUT: [], WITH: ['import_bike']}


def default_cache():
    """The folder in which archives are kept."""
    base = os.environ.get('XDG_CACHE_HOME') or osp.expanduser('~/.cache')
    return osp.join(base, 'bike_mmaction', 'host')


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        prog='python -m tests.host.compare',
        description="MMAction2's own tests, without bike_mmaction and with it.",
        epilog='All other arguments are for pytest, such as: tests/models -k head',
        allow_abbrev=False,
    )
    parser.add_argument(
        '--archive',
        metavar='FILE_OR_URL',
        help='source archive of MMAction2, default: that of the installed version, '
        'from GitHub',
    )
    parser.add_argument(
        '--cache',
        default=default_cache(),
        help='folder to keep it, default: %(default)s',
    )
    parser.add_argument(
        '--results', help='folder for the logs and results, default: CACHE/results'
    )
    parser.add_argument(
        '--timeout',
        type=float,
        default=3600,
        help='seconds after which a run is stopped, default: %(default)s',
    )
    args, options = parser.parse_known_args(argv)
    args.cache = osp.abspath(args.cache)
    args.results = osp.abspath(args.results or osp.join(args.cache, 'results'))
    return args, options


def main(argv=None):
    args, options = parse_args(argv)
    try:
        archive = get_archive(args.archive, args.cache)
        say(f'tests of {osp.basename(archive)}, SHA-256 {file_sha256(archive)}')
        return compare(archive, args, options)
    except (NotComparable, OSError) as error:
        say(f'compare: error: {error}', file=sys.stderr)
        return 2


def get_archive(archive, cache, timeout=30):
    """The file of an archive, which is fetched if need be.

    Args:
        archive (str): File or address; if None, that of the installed version,
            which is fetched once.
        cache (str): The folder where it is kept.
        timeout (float): Seconds to wait for an answer. Defaults to 30.

    Raises:
        NotComparable: if it is not there.
    """
    if archive and '://' not in archive:
        if not osp.isfile(archive):
            raise NotComparable(f"--archive: there is no file '{archive}'")
        return archive
    url = archive or URL.format(version=version('mmaction2'))
    kept = osp.join(cache, f'mmaction2-{osp.basename(url).lstrip("v")}')
    path = osp.join(cache, 'named', osp.basename(url)) if archive else kept
    if archive or not osp.exists(kept):
        say(f'fetching {url}', file=sys.stderr, flush=True)
        fetch(url, path, timeout)
    return path


def compare(archive, args, options):
    """Run the tests both ways, and print what differs: the exit status."""
    runs = {}
    for name, plugins in PLUGINS.items():
        say(f'running the tests {name} bike_mmaction', file=sys.stderr, flush=True)
        runs[name] = run_anew(archive, args, name, plugins, options)
        say(summary(name, runs[name]), flush=True)
        if not runs[WITHOUT].of(PASSED):
            log = osp.join(args.results, f'{WITHOUT}.log')
            raise NotComparable(f'no test passes without bike_mmaction, see {log}')
    say(f'logs and results: {args.results}')
    say(*verdict(runs[WITHOUT], runs[WITH]), sep='\n')
    ended = all(run.status is not None for run in runs.values())
    return 0 if ended and not lost(runs[WITHOUT], runs[WITH]) else 1


def run_anew(archive, args, name, plugins, options):
    """Run the tests in a folder of their own, which is removed at the end."""
    for folder in (args.cache, args.results):
        os.makedirs(folder, exist_ok=True)
    source = tempfile.mkdtemp(prefix='source-', dir=args.cache)
    try:
        unpack(archive, source)
        return run_tests(source, args.results, name, plugins, options, args.timeout)
    finally:
        shutil.rmtree(source, ignore_errors=True)


def summary(name, run):
    """What became of a run, in a line or two."""
    parts = [
        f'{len(run.of(PASSED))} of {len(run.outcomes)} tests pass',
        f'{len(run.of(FAILED))} fail',
        f'{len(run.of(SKIPPED))} skipped',
    ]
    if run.files:
        parts.append(f'files not imported: {len(run.files)}')
    line = f'{name} bike_mmaction: {", ".join(parts)}; {run.seconds:.0f} seconds'
    if run.stopped:
        line += f'\n  stopped because of --timeout, in {run.last or "its imports"}'
    elif run.status is None:
        line += f'\n  {run.end}'
    return line


def lost(without, with_plugin):
    """Tests that pass without the plugin, and not with it."""
    passed = set(with_plugin.of(PASSED))
    return [test for test in without.of(PASSED) if test not in passed]


def verdict(without, with_plugin):
    """What differs, test by test, in lines."""
    gained = lost(with_plugin, without)
    if gained:
        yield f'pass only with bike_mmaction: {len(gained)}'
        yield from (f'  {test}: {without.why(test)}' for test in gained)
    harmed, count = lost(without, with_plugin), len(without.of(PASSED))
    if harmed:
        yield f'pass only without bike_mmaction: {len(harmed)} of {count}'
        yield from (f'  {test}: {with_plugin.why(test)}' for test in harmed)
    else:
        yield f'all {count} tests that pass without bike_mmaction pass with it'


if __name__ == '__main__':
    # As Ctrl-C: the tests are stopped, and their files removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
