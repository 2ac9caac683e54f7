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
