"""Writing in one step, digests, kinds of files."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bike_mmaction.files import (
    file_sha256,
    has_extension,
    replaced,
    sha256,
    without_video_extension,
    write_json,
    write_lines,
)
from tests.kit.tools import printed_by, run_python


def test_a_failure_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / 'new folder' / 'list.txt'
    write_lines(str(path), ['a', 'ä'])
    assert path.read_text(encoding='utf-8') == 'a\nä\n'
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), replaced(path) as draft:
            with open(draft, 'w') as file:
                file.write('half')
            assert path.read_text(encoding='utf-8') == 'a\nä\n'
            raise error
    with pytest.raises(TypeError):
        write_json(str(path), {('no', 'key'): 1})
    assert path.read_text(encoding='utf-8') == 'a\nä\n'
    assert os.listdir(path.parent) == ['list.txt']


def test_drafts_keep_the_extension_and_the_folder(tmp_path):
    """Writers of videos choose a format by it; a move needs one disk."""
    with replaced(tmp_path / 'a.mp4') as draft:
        assert draft.endswith('.mp4') and os.path.dirname(draft) == str(tmp_path)
        open(draft, 'w').close()
    with replaced(tmp_path / 'b') as draft:
        pass_through = subprocess.run(
            [sys.executable, '-c', f'open({draft!r}, "w").write("other process")']
        )
        assert pass_through.returncode == 0
    assert (tmp_path / 'b').read_text() == 'other process'


def test_links_and_devices_stay_what_they_are(tmp_path):
    write_lines(str(tmp_path / 'file'), ['old'])
    os.symlink('file', tmp_path / 'link')
    write_lines(str(tmp_path / 'link'), ['new'])
    assert os.readlink(tmp_path / 'link') == 'file'
    assert (tmp_path / 'file').read_text() == 'new\n'
    os.mkfifo(tmp_path / 'pipe')
    reader = os.open(tmp_path / 'pipe', os.O_RDONLY | os.O_NONBLOCK)
    write_lines(str(tmp_path / 'pipe'), ['line'])
    assert os.read(reader, 9) == b'line\n'
    os.close(reader)
    assert sorted(os.listdir(tmp_path)) == ['file', 'link', 'pipe']


FULL_DISK = """
import os, resource
import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.hooks import logger_hook
from safetensors.torch import save_file
from bike_mmaction.checkpoint import save_checkpoint
from bike_mmaction.evaluation.dump_files import write_dump
from bike_mmaction.files import replaced, write_json, write_lines
from bike_mmaction.visualization import write_video

many, images = torch.rand(9, 9000), np.random.randint(0, 255, (60, 128, 128, 3))
samples = [dict(pred_score=scores) for scores in many]

def by(write):
    def write_in_one_step(path):
        with replaced(path) as draft:
            write(draft)
    return write_in_one_step

writers = {
    'a.json': lambda path: write_json(path, many),
    'a.txt': lambda path: write_lines(path, map(str, range(9000))),
    'a.pth': lambda path: save_checkpoint(dict(a=many), path),
    'a.pkl': lambda path: write_dump(path, samples),
    'a.npz': lambda path: write_dump(path, samples),
    'a.mp4': by(lambda draft: write_video(draft, images.astype('u1'), 10)),
    'a.gif': by(lambda draft: write_video(draft, images.astype('u1'), 10)),
    'a.png': by(lambda draft: Figure().savefig(draft, dpi=400)),
    'a.py': lambda path: Config(dict(words='x' * 9000)).dump(path),
    'b.json': lambda path: logger_hook.dump(dict(text='x' * 9000), path),
    'a.safetensors': by(lambda draft: save_file(dict(a=many), draft)),
}
for name in writers:
    open(name, 'w').write('old')
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for name, write in [*writers.items(), ('/dev/full', writers['a.json'])]:
    try:
        write(name)
        print(name, 'is written')
    except OSError as error:
        print(error)
    if name in writers:
        assert open(name).read() == 'old'
assert sorted(os.listdir()) == sorted(writers), os.listdir()
"""


def test_a_full_disk_costs_no_file_and_is_told(tmp_path):
    """Of every writer; the old files stay, and no others."""
    printed = printed_by(run_python('-c', FULL_DISK, cwd=tmp_path))
    lines = printed.splitlines()
    names = sorted(os.listdir(tmp_path))
    large = [f"cannot write '{tmp_path}/{name}': File too large" for name in names]
    assert sorted(lines[:-1]) == large
    assert lines[-1] == "cannot write '/dev/full': No space left on device"


def test_places_that_cannot_be_written(tmp_path):
    """The message names what the user named, not the file in its place."""
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError) as refusal:
        write_lines(str(tmp_path / 'file' / 'list.txt'), ['a'])
    reason = f"'{tmp_path}/file' is not a folder"
    assert str(refusal.value) == f"cannot write '{tmp_path}/file/list.txt': {reason}"
    with pytest.raises(OSError, match="^cannot write '.*folder': Is a directory"):
        (tmp_path / 'folder').mkdir()
        write_lines(str(tmp_path / 'folder'), ['a'])
    # Of other files nothing is said but what they say themselves.
    with pytest.raises(FileNotFoundError, match='absent'), replaced(tmp_path / 'a'):
        open(tmp_path / 'absent')
    assert sorted(os.listdir(tmp_path)) == ['file', 'folder']


def test_json_of_arrays(tmp_path):
    path = tmp_path / 'a.json'
    write_json(str(path), dict(matrix=np.eye(2), name='ä', path=path))
    text = path.read_text(encoding='utf-8')
    assert json.loads(text) == dict(
        matrix=[[1.0, 0.0], [0.0, 1.0]], name='ä', path=str(path)
    )
    assert 'ä' in text and text.endswith('}\n')


def test_digests(tmp_path):
    content = os.urandom((1 << 20) + 5)
    (tmp_path / 'file').write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    assert file_sha256(str(tmp_path / 'file')) == sha256(content) == expected
    assert sha256('ä') == hashlib.sha256(b'\xc3\xa4').hexdigest()


def test_names_of_videos():
    videos = 'a.mp4 b.MOV c/d.e.webm f.mpg'.split()
    assert all(map(has_extension, videos))
    assert not any(map(has_extension, 'a.txt b mp4 ._a.mp4 c/._d.mp4 v1.5'.split()))
    stems = [without_video_extension(name) for name in [*videos, 'v1.5', 'a.txt']]
    assert stems == ['a', 'b', 'c/d.e', 'f', 'v1.5', 'a.txt']
