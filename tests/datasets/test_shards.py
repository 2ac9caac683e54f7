"""Videos in tar files are those that were packed, and faults are named."""

import gzip
import os
import os.path as osp
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from glob import glob
from itertools import groupby, zip_longest
from unittest import mock

import numpy as np
import pytest
from mmaction.registry import DATASETS

import bike_mmaction_cli
from bike_mmaction import shards
from bike_mmaction.apis.inference.sources import find_sources
from bike_mmaction.cli.commands import read_arguments
from bike_mmaction.datasets import packing
from bike_mmaction.datasets.check_record import stamp_of
from bike_mmaction.datasets.checking import check_entry
from bike_mmaction.datasets.checksums import digests_of
from bike_mmaction.datasets.packing import pack_videos
from bike_mmaction.datasets.shard_index import index_shards, write_list
from bike_mmaction.datasets.shard_sampler import ShardSampler
from bike_mmaction.datasets.video_table import VideoTable
from bike_mmaction.errors import explain
from bike_mmaction.shards import INDEX, ShardError, Shards, find_member
from bike_mmaction.video import (
    BrokenShardError,
    IsolatedReader,
    MissingVideoError,
    VideoReader,
)
from tests.kit.checks import collected
from tests.kit.lists import write_text
from tests.kit.videos import write_video

LONG = f'{"folder_of_a_long_name/" * 9}clip.mp4'  # more than a tar header holds
LARGE = 'b/v 2.mp4'
NAMES = ['a/v0.mp4', 'a/v1.avi', LARGE, 'b/café.mp4', LONG, 'cut.mkv', 'bare.mp4']


def dataset_of(folder, *lines, **options):
    """A data set of these lines, parted by tabs."""
    ann_file = f'{folder}.txt'
    write_text(ann_file, *lines)
    prefix = dict(video=str(folder))
    return DATASETS.build(
        dict(
            dict(type='VideoDataset', ann_file=ann_file, data_prefix=prefix),
            **dict(dict(pipeline=[], delimiter='\t'), **options),
        )
    )


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """A folder of videos with all kinds of names, one of them cut off."""
    folder = tmp_path_factory.mktemp('shards') / 'videos'
    for number, name in enumerate(NAMES):
        write_video(folder / name, 12, seed=number)
    write_video(folder / LARGE, size=(320, 240))  # FFmpeg reads on as it demuxes
    path = folder / 'cut.mkv'
    os.truncate(path, osp.getsize(path) * 2 // 3)
    return folder


@pytest.fixture(scope='module')
def dataset(videos):
    """All of them, one without its extension, as MMAction2 allows."""
    names = [name.replace('bare.mp4', 'bare') for name in NAMES]
    return dataset_of(videos, *(f'{name}\t{i}' for i, name in enumerate(names)))


@pytest.fixture(scope='module')
def packed(dataset, videos):
    """Several tar files of about two videos each; never changed."""
    folder = str(videos.parent / 'packed')
    pack_videos([dataset], folder, size=6000)
    return folder


@pytest.fixture
def copy(packed, tmp_path):
    """The same, to be damaged."""
    return shutil.copytree(packed, tmp_path / 'copy')


def read(path):
    """All that a reader knows of a video."""
    with VideoReader(path) as video:
        frames = video.frames(range(len(video)))
        return frames, video.times, str(video.damage), video.codec, video.size


@pytest.mark.filterwarnings('ignore::bike_mmaction.video.DamagedVideoWarning')
def test_frames_are_those_of_the_files(packed, videos, monkeypatch):
    """Also where threads and processes read, and one tar file is open at a time."""
    monkeypatch.setattr(shards, '_opened', lru_cache(1)(shards._OpenShard))
    assert 2 < len(glob(f'{packed}/*.tar')) < len(NAMES)
    with ThreadPoolExecutor(4) as pool:
        in_shards = list(pool.map(read, [f'{packed}/{name}' for name in NAMES * 2]))
    for name, (frames, times, *rest) in zip(NAMES * 2, in_shards):
        own_frames, own_times, *own_rest = read(f'{videos}/{name}')
        assert np.array_equal(frames, own_frames) and np.array_equal(times, own_times)
        assert rest == own_rest
    assert 'bytes are missing' in in_shards[NAMES.index('cut.mkv')][2]
    isolated = IsolatedReader(f'{packed}/{LONG}', time_limit=30)
    frames = in_shards[NAMES.index(LONG)][0]
    assert np.array_equal(isolated.frames([3]), frames[3:4])
    isolated.close()
    fds = [os.path.realpath(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')]
    assert sum(fd.startswith(packed) for fd in fds) == 1


def test_they_are_files_to_what_checks_them(packed, videos, monkeypatch):
    """Verdicts, checksums, and messages of what fails later; by relative paths, too."""
    monkeypatch.chdir(osp.dirname(packed))
    for name in NAMES:
        info = dict(filename=f'packed/{name}')
        assert check_entry(info) == check_entry(dict(filename=f'{videos}/{name}'))
        assert (
            digests_of([f'packed/{name}']).popitem()[1]
            == digests_of([f'{videos}/{name}']).popitem()[1]
        )
        assert stamp_of(info) is not None
    path = 'packed/a/v0.mp4'
    with mock.patch('bike_mmaction.cli.infer.check_model_arguments'):
        read_arguments('infer', [path, '--config', 'x'], 'bike infer')
        with pytest.raises(SystemExit, match="no such file or folder: 'packed/no"):
            read_arguments('infer', ['packed/none.mp4', '--config', 'x'], 'bike infer')
    assert explain(path, ValueError('x')) == f"cannot use '{path}': ValueError: x"
    assert stamp_of(dict(filename='packed/none.mp4')) is None
    assert not check_entry(dict(filename='packed/none.mp4')).usable


def test_folders_are_those_of_the_videos(packed, monkeypatch):
    """Where commands take folders of videos, and where an index is damaged."""
    monkeypatch.chdir(osp.dirname(packed))
    for folder, names in ('packed', NAMES), ('packed/b/', [LARGE, 'b/café.mp4']):
        paths = sorted(f'packed/{name}' for name in names)
        assert sorted(source.name for source in find_sources(folder)) == paths
        assert sorted(VideoTable(folder).paths) == paths
    assert VideoTable('packed/bare.mp4').paths == ['packed/bare.mp4']
    for absent in ('packed/c', 'packed/bar', 'packed/none.mp4'):
        with pytest.raises(FileNotFoundError, match=f"folder: '{absent}'"):
            VideoTable(absent)
    shutil.copytree('packed', 'both')
    write_video('both/loose.mp4', 12)
    assert len(find_sources('both')) == len(VideoTable('both').paths) == len(NAMES) + 1
    write_text('broken/shards.tsv', 'nothing')
    with pytest.raises(ShardError, match='is no index, or not all of it; copy it anew'):
        find_sources('broken')


def test_webdataset_reads_them(packed, videos):
    """A sample is its video and its label; keys are names up to the first dot."""
    webdataset = pytest.importorskip('webdataset')
    tars = sorted(glob(f'{packed}/*.tar'))
    samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode())
    assert len(samples) == len(NAMES)
    names = {osp.splitext(name): number for number, name in enumerate(NAMES)}
    for (key, extension), number in names.items():
        (sample,) = [sample for sample in samples if sample['__key__'] == key]
        assert sample['cls'] == number
        with open(f'{videos}/{key}{extension}', 'rb') as file:
            assert sample[extension[1:]] == file.read()


@pytest.mark.parametrize('kind', ['cls', 'json'])
def test_those_of_webdataset_are_read(kind, videos, tmp_path):
    webdataset = pytest.importorskip('webdataset')
    names = ['a/v0', 'bare', LONG[:-4]]
    pattern = f'{tmp_path}/train-%04d.tar'
    with webdataset.ShardWriter(pattern, maxcount=2, verbose=0) as writer:
        for number, name in enumerate(names):
            with open(f'{videos}/{name}.mp4', 'rb') as file:
                content = file.read()
            label = dict(labels=[number, 7]) if kind == 'json' else number
            writer.write({'__key__': name, 'mp4': content, kind: label})
    bike_mmaction_cli.run('index-shards', [str(tmp_path), '--list', f'{tmp_path}.txt'])
    with open(f'{tmp_path}.txt') as file:
        lines = file.read().split('\n')
    more = ' 7' if kind == 'json' else ''
    assert lines == [*(f'{name}.mp4 {i}{more}' for i, name in enumerate(names)), '']
    for name in names:
        assert np.array_equal(
            read(f'{tmp_path}/{name}.mp4')[0], read(f'{videos}/{name}.mp4')[0]
        )


def damage(folder, member, kind):
    """Do something to a folder of tar files; which file it was done to."""
    tar, index = f'{folder}/{member.shard}', f'{folder}/{INDEX}'
    if kind == 'cut':
        os.truncate(tar, member.offset + member.size - 1)
    elif kind == 'gone':
        os.remove(tar)
    elif kind == 'replaced':
        with open(tar, 'r+b') as file:
            file.seek(member.offset + 100)
            file.write(b'other')
    else:
        with open(index, 'rb') as file:
            content = file.read()
        content = {
            'torn': content[:-40],
            'shorter': content[: content.rindex(b'\n', 0, -1) + 1],
            'no numbers': content.replace(b'\t%d\t' % member.offset, b'\tx\t'),
            'elsewhere': content.replace(b'\tvideos-', b'\t../videos-'),
        }[kind]
        with open(index, 'wb') as file:
            file.write(content)
        return index
    return tar


FAULTS = {
    'cut': 'is cut off: the video ends at byte',
    'gone': 'cannot be read (No such file or directory)',
    'replaced': 'has another content than when its index was written',
    'torn': 'is no index, or not all of it',
    'shorter': 'is no index, or not all of it',
    'no numbers': 'is no line of an index',
    'elsewhere': 'is no line of an index',
}


def test_faults_name_video_shard_and_cure(packed, tmp_path):
    with collected() as check:
        for kind, reason in FAULTS.items():
            folder = shutil.copytree(packed, tmp_path / kind)
            _, member = find_member(f'{packed}/a/v0.mp4')
            file, path = damage(folder, member, kind), f'{folder}/a/v0.mp4'
            with check(kind):
                with pytest.raises(BrokenShardError) as caught:
                    VideoReader(path)
                text = str(caught.value)
                for words in (f"cannot use '{path}'", f"'{file}'", reason):
                    assert words in text, text
                assert 'copy it anew, or' in text and 'bike index-shards' in text
                assert '\n' not in text
    with pytest.raises(MissingVideoError, match="have no video 'a/none.mp4': pack it"):
        VideoReader(f'{packed}/a/none.mp4')


def test_tar_files_that_cannot_be_indexed(copy):
    shard, *_ = sorted(glob(f'{copy}/*.tar'))
    with open(shard, 'rb') as file:
        content = file.read()
    shutil.copy(shard, f'{copy}/again.tar')
    with pytest.raises(ValueError, match="two videos are called .*again.tar' and"):
        index_shards(copy)
    os.remove(f'{copy}/again.tar')
    with tarfile.open(shard) as tar:
        last = tar.getmembers()[-1].offset
    for changed in (content[:last], content[:3000], b'text', gzip.compress(content)):
        with open(shard, 'wb') as file:
            file.write(changed)
        with pytest.raises(ValueError, match=f"'{shard}' is no tar file, compressed,"):
            index_shards(copy)
    with open(shard, 'wb') as file:
        file.write(content)
    (before, index_shards_of) = list(Shards(copy)), index_shards(copy)
    assert sorted(index_shards_of.members) == sorted(before)
    with pytest.raises(ValueError, match="'b/v 2.mp4' in .* a name can have none"):
        write_list(f'{copy}.txt', index_shards_of)


def test_a_stopped_packing_goes_on(dataset, packed, tmp_path, monkeypatch):
    """With what is whole and as it was; the end is the same to the byte."""
    out = str(tmp_path / 'out')
    write, written = packing._write_shard, []

    def write_shard(path, *args):
        if len(written) == 2:  # a kill in the middle of the third one
            raise KeyboardInterrupt
        written.append(osp.basename(path))
        return write(path, *args)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(packing, '_write_shard', write_shard)
        pack_videos([dataset], out, size=6000)
    assert not osp.exists(f'{out}/{INDEX}')  # nobody reads half of it
    os.utime(f'{out}/{written[1]}', (1, 1))  # older than its videos
    with open(f'{out}/{INDEX}.partial', 'a') as file:
        file.write('["videos-00')  # torn
    again = mock.Mock(side_effect=write)
    monkeypatch.setattr(packing, '_write_shard', again)
    pack_videos([dataset], out, size=6000)
    assert written[0] not in [osp.basename(c.args[0]) for c in again.call_args_list]
    assert written[1] in [osp.basename(c.args[0]) for c in again.call_args_list]
    assert sorted(os.listdir(out)) == sorted(os.listdir(packed))
    for name in os.listdir(out):
        with open(f'{out}/{name}', 'rb') as one, open(f'{packed}/{name}', 'rb') as two:
            assert one.read() == two.read(), name
    with pytest.raises(FileExistsError, match='--overwrite replaces'):
        pack_videos([dataset], out)
    assert pack_videos([dataset], out, overwrite=True).shards == 1
    assert len(glob(f'{out}/*')) == 2


def test_what_is_left_out_is_named(videos, tmp_path):
    folder = tmp_path / 'v'
    shutil.copytree(videos / 'a', folder)
    (folder / 'empty.mp4').touch()
    names = ['v0.mp4', 'empty.mp4', 'none.mp4', '../x.mp4', 'v1.avi']
    dataset = dataset_of(folder, *(f'{name}\t{i}' for i, name in enumerate(names)))
    other = dataset_of(folder, 'v0.mp4\t5')
    packed = pack_videos([dataset, other], str(tmp_path / 'out'))
    assert packed.videos == 2
    assert packed.left_out == {
        f'{folder}/empty.mp4': 'the file is empty (0 bytes)',
        f'{folder}/none.mp4': 'No such file or directory',
        f'{folder}/../x.mp4': 'it lies outside of the folder of the videos',
    }
    with tarfile.open(f'{tmp_path}/out/videos-000000.tar') as tar:
        assert sorted(tar.getnames()) == ['v0.mp4', 'v1.avi', 'v1.cls']  # v0: 0 and 5
        assert tar.extractfile('v1.cls').read() == b'4'
    with open(tmp_path / 'out/left_out.txt') as file:
        assert file.read().count('\n') == 3
    with pytest.raises(ValueError, match='the splits lie in different folders, '):
        pack_videos(
            [dataset, dataset_of(videos / 'b', 'x.mp4\t0')], str(tmp_path / 'out2')
        )


def test_several_labels_are_json(videos, tmp_path):
    several = dict(multi_class=True, num_classes=9)
    dataset = dataset_of(videos, 'a/v0.mp4\t2\t7', 'bare.mp4', **several)
    pack_videos([dataset], str(tmp_path))
    with tarfile.open(f'{tmp_path}/videos-000000.tar') as tar:
        assert sorted(tar.getnames()) == ['a/v0.json', 'a/v0.mp4', 'bare.mp4']
    assert index_shards(str(tmp_path)).labels == {'a/v0.mp4': [2, 7]}


def test_an_epoch_draws_from_few_tar_files_at_a_time(packed, dataset):
    """Each video once, by all ranks together; others in the next epoch."""
    names = [name.replace('bare.mp4', 'bare') for name in NAMES]
    data = dataset_of(packed, *(f'{name}\t{i}' for i, name in enumerate(names)))
    shard_of = [find_member(f'{packed}/{name}')[1].shard for name in NAMES]
    orders = []
    for epoch in range(4):
        ranks = []
        for rank in range(2):
            info = 'mmengine.dataset.sampler.get_dist_info'
            with mock.patch(info, return_value=(rank, 2)):
                sampler = ShardSampler(data, shards_at_once=1, seed=3, round_up=False)
            sampler.set_epoch(epoch)
            ranks.append(list(sampler))
            assert len(ranks[-1]) == len(sampler) and ranks[-1] == list(sampler)
        order = [n for pair in zip_longest(*ranks) for n in pair if n is not None]
        assert sorted(order) == list(range(len(NAMES)))
        runs = [shard for shard, _ in groupby(shard_of[n] for n in order)]
        assert len(runs) == len(set(shard_of))
        orders.append(order)
    assert len(set(map(tuple, orders))) == 4
    with pytest.raises(ValueError, match='no video of the data set lies in tar files'):
        ShardSampler(dataset)
    for wrong in (0, '8'):
        with pytest.raises(ValueError, match='must be a whole number above 0'):
            ShardSampler(data, shards_at_once=wrong)
