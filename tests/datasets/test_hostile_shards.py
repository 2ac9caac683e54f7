"""Tar files, indexes and folders as others have left them: named, never trusted."""

import io
import os
import os.path as osp
import tarfile
from unittest import mock

import pytest
from mmaction.registry import DATASETS

from bike_mmaction.datasets import packing
from bike_mmaction.datasets.packing import pack_videos
from bike_mmaction.datasets.shard_index import index_shards, write_list
from bike_mmaction.shards import INDEX, ShardError
from bike_mmaction.video import BrokenShardError, VideoReader
from tests.kit.checks import collected
from tests.kit.lists import write_text

VIDEO = b'no video, and nobody decodes it'
HEAD = b'# videos in tar files, version 1: 1\n'


def write_tar(path, *members):
    """A tar file of names with contents; or with a kind, and what it points to."""
    os.makedirs(osp.dirname(path), exist_ok=True)
    with tarfile.open(path, 'w') as tar:
        for name, content, *link in members:
            info = tarfile.TarInfo(name)
            if link:
                info.type, info.linkname = content, link[0]
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return osp.dirname(path)


def with_size(size):
    """A tar file whose first member says that it has so many bytes."""
    header = bytearray(tarfile.TarInfo('a.mp4').tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (size % 2**96).to_bytes(12, 'big')
    header[124] |= 0x80
    header[148:156] = b'%06o\0 ' % tarfile.calc_chksums(bytes(header))[0]
    return bytes(header) + bytes(10240)


@pytest.fixture
def dataset(tmp_path):
    """Three videos of a folder."""
    for name in 'abc':
        os.makedirs(tmp_path / 'videos', exist_ok=True)
        (tmp_path / f'videos/{name}.mp4').write_bytes(VIDEO)
    write_text(tmp_path / 'list.txt', *(f'{name}.mp4 0' for name in 'abc'))
    return DATASETS.build(
        dict(
            type='VideoDataset',
            ann_file=str(tmp_path / 'list.txt'),
            data_prefix=dict(video=str(tmp_path / 'videos')),
            pipeline=[],
        )
    )


def test_names_in_tar_files_lead_nowhere_else(tmp_path):
    """A list of them would name other files of the disk."""
    with collected() as check:
        for number, name in enumerate(['../up.mp4', '/etc/a.mp4', 'a/../../b.mp4']):
            folder = write_tar(f'{tmp_path}/{number}/x.tar', (name, VIDEO))
            with check(name), pytest.raises(ValueError, match='it lies outside of'):
                index_shards(folder)
    members = [('./b.mp4', VIDEO), ('c/../d.mp4', VIDEO)]
    folder = write_tar(f'{tmp_path}/x/x.tar', *members)
    assert [m.name for m in index_shards(folder).members] == ['b.mp4', 'd.mp4']


def test_links_are_left_out_and_named(tmp_path):
    folder = write_tar(
        f'{tmp_path}/x/x.tar',
        ('a.mp4', VIDEO),
        ('hard.mp4', tarfile.LNKTYPE, 'a.mp4'),
        ('soft.mp4', tarfile.SYMTYPE, '/etc/passwd'),
        ('a.cls', b'3'),
    )
    for name in ('._x.tar', '.unfinished-1-y.tar'):  # of macOS, and of a kill
        (tmp_path / 'x' / name).write_bytes(b'no tar file')
    indexed = index_shards(folder)
    assert [m.name for m in indexed.members] == ['a.mp4']
    assert indexed.left_out == ["'hard.mp4' in 'x.tar'", "'soft.mp4' in 'x.tar'"]
    assert indexed.labels == {'a.mp4': [3]}


def test_labels_are_whole_numbers_told_once(tmp_path):
    wanted = {
        b'7\n': [7],
        b'"7"': [7],
        b'1.5': None,
        b'true': None,
        b'1e999': None,
        b'[' * 100_000: None,
        b'\xff': None,
        b'[1, 2, 1]': [1, 2],
    }
    members = []
    for number, content in enumerate(wanted):
        members += [(f'{number}.mp4', VIDEO), (f'{number}.cls', content)]
    members += [('8.mp4', VIDEO), ('8.cls', b'4'), ('8.json', b'{"label": 4}')]
    labels = index_shards(write_tar(f'{tmp_path}/x/x.tar', *members)).labels
    assert [labels.get(f'{n}.mp4') for n in range(9)] == [*wanted.values(), [4]]
    folder = write_tar(
        f'{tmp_path}/y/x.tar', ('\udce9.mp4', VIDEO), ('\udce9.cls', b'1')
    )
    with pytest.raises(ValueError, match='its name is no UTF-8'):
        write_list(f'{tmp_path}/list.txt', index_shards(folder))


@pytest.mark.parametrize('size', [2**62, -1, -512])
def test_sizes_that_a_tar_file_cannot_have(size, tmp_path):
    (tmp_path / 'x.tar').write_bytes(with_size(size))
    with pytest.raises(ValueError, match="x.tar' is no tar file.* beyond its end"):
        index_shards(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='the system has no pipes')
def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'x.tar')
    with pytest.raises(ValueError, match="x.tar' is no file"):
        index_shards(str(tmp_path))
    (tmp_path / INDEX).write_bytes(HEAD + b'a.mp4\tx.tar\t0\t9\t1\n')
    with pytest.raises(BrokenShardError, match='it is no file'):
        VideoReader(f'{tmp_path}/a.mp4')


def test_indexes_may_tell_any_numbers(tmp_path):
    lines = {
        b'a.mp4\tx.tar\t%d\t9\t1\n' % 2**63: 'is cut off',
        b'a.mp4\tx.tar\t0\t%d\t1\n' % 2**62: 'is cut off',
        b'a.mp4\tx.tar\t0\t%d\t1\n' % 2**99: 'is cut off',
        b'a.mp4\tx\0.tar\t0\t9\t1\n': 'is no line of an index',
        b'a.mp4\t..\t0\t9\t1\n': 'it is no file',
    }
    with collected() as check:
        for number, (line, reason) in enumerate(lines.items()):
            folder = write_tar(f'{tmp_path}/{number}/x.tar', ('a.mp4', VIDEO))
            with open(f'{folder}/{INDEX}', 'wb') as file:
                file.write(HEAD + line)
            with check(line), pytest.raises(BrokenShardError, match=reason):
                VideoReader(f'{folder}/a.mp4')


def test_overwriting_removes_own_tar_files_alone(dataset, tmp_path):
    """Those of others may be the only copy of their videos."""
    out = write_tar(f'{tmp_path}/out/train-0000.tar', ('a.mp4', VIDEO))
    write_tar(f'{tmp_path}/out/videos-000000.tar', ('b.mp4', VIDEO))
    index_shards(out)
    before = sorted(os.listdir(out))
    with pytest.raises(FileExistsError, match="such as 'train-0000.tar'"):
        pack_videos([dataset], out, overwrite=True)
    assert sorted(os.listdir(out)) == before
    for name in ('..', 'notes.txt'):
        other = tmp_path / name.replace('.', '_')
        other.mkdir()
        (other / 'notes.txt').touch()
        (other / INDEX).write_bytes(HEAD + b'a.mp4\t%s\t0\t9\t1\n' % name.encode())
        pack_videos([dataset], str(other), overwrite=True)
        assert (other / 'notes.txt').exists()
    (other / INDEX).write_bytes(b'no index')
    with pytest.raises(ShardError, match='is no index, or not all of it'):
        pack_videos([dataset], str(other), overwrite=True)


def test_notes_of_an_earlier_call_may_be_damaged(dataset, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'else.tar').touch()
    notes = (
        b'\0\xff\n["../else.tar", []]\n[]\n["videos-000000.tar", 5]\n' + b'[' * 99999
    )
    (tmp_path / 'out' / f'{INDEX}.partial').write_bytes(notes)
    assert pack_videos([dataset], str(tmp_path / 'out')).videos == 3
    assert (tmp_path / 'else.tar').exists()
    assert sorted(os.listdir(tmp_path / 'out')) == [INDEX, 'videos-000000.tar']


def test_one_process_at_a_time_packs_and_not_among_the_videos(dataset, tmp_path):
    pytest.importorskip('fcntl')
    out = str(tmp_path / 'out')

    def write_shard(*args):
        with pytest.raises(BlockingIOError, match='another process packs videos'):
            pack_videos([dataset], out)
        raise KeyboardInterrupt

    patch = mock.patch.object(packing, '_write_shard', write_shard)
    with patch, pytest.raises(KeyboardInterrupt):
        pack_videos([dataset], out)
    assert pack_videos([dataset], out).videos == 3
    with pytest.raises(ValueError, match='is the folder of the videos: choose another'):
        pack_videos([dataset], f'{tmp_path}/out/../videos')
