import ctypes
import functools
import gc
import multiprocessing
import os
import os.path as osp
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')  # the same everywhere
# A fork of a process whose OpenMP has threads would wait for them for ever.
os.environ.setdefault('OMP_NUM_THREADS', '1')

import torch
from mmaction.utils import register_all_modules
from mmaction.visualization import ActionVisualizer
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer

import bike_mmaction  # noqa: F401
from bike_mmaction.datasets.catalog import CATALOG
from tests.kit import ROOT
from tests.kit.forker import spare_work
from tests.kit.lists import write_dataset
from tests.kit.official import frame_rate, prepare_lists, write_official
from tests.kit.tools import end_processes
from tests.kit.videos import write_video

# Files whose tests take longest: begun last, they would run when all else is done.
LONGEST = (
    'docs/test_notebook.py',
    'reproduction/test_running.py',
    'cli/test_packaging.py',
    'cli/test_test.py',
    'apis/test_several_labels.py',
    'distributed/test_tools.py',
    'stress/test_web_load.py',
)
MOST_LEFT = 100 * 2**20  # bytes that a test may leave behind


def pytest_collection_modifyitems(items):
    """With ``--no-loadscope-reorder`` files are begun in the order of their tests."""
    files = [osp.join(ROOT, 'tests', *name.split('/')) for name in LONGEST]
    rank = {file: number for number, file in enumerate(files)}
    items.sort(key=lambda item: rank.get(str(item.path), len(rank)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A copy of this process that a test has left, as its time was over, would
    keep its output open: the run would wait for it."""
    if hasattr(session.config, 'workerinput'):
        end_processes()


@pytest.fixture(scope='session', autouse=True)
def registered():
    """Components are found by name, also by fixtures of whole modules."""
    register_all_modules()
    spare_work()
    # Shells have it ignored in the background, and in what is started from there.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def gpu(request):
    """Skips tests that need a GPU where there is none."""
    if request.node.get_closest_marker('gpu') and not torch.cuda.is_available():
        pytest.skip('there is no GPU, or CUDA_VISIBLE_DEVICES hides it')


@pytest.fixture(autouse=True)
def same_start(registered):
    """Each test begins with the same random numbers and registries, and
    without what MMEngine keeps by the name of a run, which two runs of a
    second share: web servers close the files of all logs that are open."""
    for kept in (MMLogger, MessageHub, Visualizer, ActionVisualizer):
        kept._instance_dict.clear()
    register_all_modules()
    torch.manual_seed(0)
    processes, memory = len(multiprocessing.active_children()), memory_of_process()
    yield
    more = memory_of_process() - memory
    if more > MOST_LEFT or len(multiprocessing.active_children()) > processes:
        # Runs and models that nobody has any more, whose parts know each other, live
        # on with their processes until Python looks for such, which it does rarely.
        gc.collect()
        give_back = getattr(ctypes.CDLL(None), 'malloc_trim', None)
        if give_back:  # glibc keeps what lies between, gigabytes of it
            give_back(0)


def memory_of_process():
    """Bytes."""
    return psutil.Process().memory_info().rss


@pytest.fixture(scope='session')
def unchanged(tmp_path_factory):
    """Fills a new folder that many tests read: ``unchanged(name, fill)``.

    Returns what ``fill(folder)`` returns, and fails at the end of all tests
    if one of them has changed, added or removed a file there.
    """
    before = {}

    def make(name, fill):
        folder = tmp_path_factory.mktemp(name)
        result = fill(folder)
        before[folder] = files_below(folder)
        return result

    yield make
    for folder, files in before.items():
        assert files_below(folder) == files, f'a test changed files in {folder}'


@pytest.fixture(scope='session')
def data_root(unchanged):
    """Five videos and their frames, where the K400 configs look."""
    return unchanged('kinetics400', write_dataset)


@pytest.fixture(scope='session')
def roots(unchanged):
    """Prepared data roots, by the ``data_root`` of the configs."""

    @functools.cache
    def get(data_root):
        name = osp.basename(data_root)
        return unchanged(name, lambda folder: prepare(name, folder))

    return get


@pytest.fixture(scope='session')
def video(unchanged):
    """A H.264 file of 24 frames."""
    return unchanged('video', lambda folder: write_video(folder / 'clip.mp4'))


@pytest.fixture
def repository(monkeypatch):
    """Root folder of the repository; processes import from it."""
    monkeypatch.setenv('PYTHONPATH', ROOT)
    return ROOT


@pytest.fixture(scope='session')
def source(tmp_path_factory):
    """A copy of the project's files."""
    copy = tmp_path_factory.mktemp('source')
    for name in ('bike_mmaction', 'configs', 'tools'):
        shutil.copytree(
            osp.join(ROOT, name),
            copy / name,
            ignore=shutil.ignore_patterns('__pycache__', 'work_dirs'),
        )
    files = 'setup.py pyproject.toml MANIFEST.in README.md LICENSE bike_mmaction_cli.py'
    for name in [*files.split(), 'model-index.yml']:
        shutil.copy(osp.join(ROOT, name), copy)
    return copy


@pytest.fixture(scope='session')
def built(source, tmp_path_factory):
    """A folder with the source distribution, and the wheel made of it alone."""
    folder = tmp_path_factory.mktemp('built')
    call(
        sys.executable,
        '-m',
        'build',
        '--no-isolation',
        '-o',
        folder,
        source,
        cwd=folder,
    )
    return folder


@pytest.fixture(scope='session')
def site(built, tmp_path_factory):
    """A folder into which pip has installed the wheel, offline."""
    folder = tmp_path_factory.mktemp('site')
    options = '--no-deps --no-index --target'.split()
    (wheel,) = built.glob('*.whl')
    call(sys.executable, '-m', 'pip', 'install', *options, folder, wheel)
    return folder


@pytest.fixture(scope='session')
def elsewhere(site):
    """Environment of programs that use what pip installed into ``site``."""
    return dict(
        os.environ,
        PYTHONPATH=str(site),
        PYTHONDONTWRITEBYTECODE='1',
        MPLBACKEND='Agg',
        PATH=os.pathsep.join(
            [f'{site}/bin', osp.dirname(sys.executable), os.environ['PATH']]
        ),
    )


@pytest.fixture(scope='session')
def away(elsewhere, tmp_path_factory):
    """Runs programs away from the source, with what pip installed there."""
    folder = tmp_path_factory.mktemp('away')
    return lambda *args, cwd=folder: call(*args, cwd=str(cwd), env=elsewhere)


def call(*args, **kwargs):
    """Run a program to its end and return what it prints."""
    done = subprocess.run(
        [str(arg) for arg in args], capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_below(folder):
    """Size and time of change of each file, by its path."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob('*')
        if path.is_file()
    }


def prepare(name, root):
    """Official files of a data set, and the lists made of them."""
    write_official(name, root, rawframes=True)
    names = [name]
    if name == 'kinetics600':
        names.append('kinetics600_zeroshot')
    for name in names:
        rate = ['--fps', frame_rate(name)] if CATALOG[name].segments else []
        prepare_lists(name, root)
        prepare_lists(name, root, '--rawframes', *rate)
    return str(root)
