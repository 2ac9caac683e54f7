"""Files whose content has changed are named, also where they decode well."""

import json
import subprocess

import pytest

from tests.kit.lists import write_text
from tests.kit.tools import outcome, refusal
from tests.kit.videos import write_video


@pytest.fixture
def check(tmp_path):
    """What `check-videos` says of three videos, and its status."""
    names = [r'a.mp4', 'b.mp4', 'c\\n.mp4']
    for seed, name in enumerate(names):
        write_video(tmp_path / name, 8, seed=seed)
    write_text(f'{tmp_path}/list.txt', 'a.mp4 0', 'c\\n.mp4 1')
    config = write_text(
        f'{tmp_path}/config.py',
        "default_scope = 'mmaction'",
        "custom_imports = dict(imports=['bike_mmaction'])",
        "train_dataloader = dict(dataset=dict(type='VideoDataset', "
        f"ann_file='{tmp_path}/list.txt', data_prefix=dict(video='{tmp_path}'), "
        "pipeline=[dict(type='VideoInit')]))",
    )

    def run(*args, tool=outcome):
        return tool('data/check_videos', config, '--workers', 1, *args)

    return run


def test_changes_are_named(check, tmp_path):
    sums = tmp_path / 'list.sha256'
    assert check('--checksums', sums)[0] == 0
    listed = subprocess.run(['sha256sum', '-c', sums], capture_output=True, text=True)
    assert listed.returncode == 0 and listed.stdout.count(': OK') == 2
    assert check('--against', sums)[0] == 0
    with open(tmp_path / 'a.mp4', 'ab') as file:
        file.write(b'\0\0\0\x08free')  # which nobody minds
    (tmp_path / 'c\\n.mp4').unlink()
    write_text(f'{tmp_path}/list.txt', 'a.mp4 0', 'b.mp4 1', 'c\\n.mp4 1')
    status, printed = check('--against', sums)
    assert status == 1 and '2 files, 1 changed, 1 new, 1 missing' in printed
    report = json.loads((tmp_path / 'list_usable.txt.checksums.json').read_text())
    assert report == dict(
        against=str(sums),
        changed=[f'{tmp_path}/a.mp4'],
        new=[f'{tmp_path}/b.mp4'],
        missing=[f'{tmp_path}/c\\n.mp4'],
    )


def test_files_that_are_no_checksums(check, tmp_path):
    digest = 'a' * 64
    for lines, reason in (
        (['no'], 'line 1: expected 64 hexadecimal digits, two spaces and a file'),
        ([f'{digest}  x', f'{"b" * 64}  x'], "line 2: another checksum of 'x'"),
    ):
        path = write_text(f'{tmp_path}/bad.sha256', *lines)
        assert f"'{path}' {reason}" in check('--against', path, tool=refusal)
    assert 'does not exist' in check('--against', tmp_path / 'no', tool=refusal)
