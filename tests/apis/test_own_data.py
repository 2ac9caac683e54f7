"""From clips to a data folder that can be trained on, and what is said on the way."""

import json
import os
import shutil

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config

from bike_mmaction.apis import prepare_data
from bike_mmaction.datasets import clip_files
from bike_mmaction.video import VideoReader
from tests.kit.bad_videos import write_bad
from tests.kit.hostile import DecodeOrBreak
from tests.kit.labelling import write_cvat, write_label_studio
from tests.kit.lists import read_lines, write_text
from tests.kit.tools import run_python
from tests.kit.videos import write_video

BASE = 'bike_demo'
PARTS = ('train', 'val', 'test')


def write_clips(root, count=6, **names):
    """Videos that differ, in a folder for each class."""
    for number, (name, label) in enumerate(names.items()):
        for i in range(count):
            seed = 100 * number + i
            write_video(root / label / f'{name}{i}.mp4', 12 + i, (32, 32), seed)


@pytest.fixture(scope='module')
def clips(tmp_path_factory):
    """Two classes of six clips; nobody writes to it."""
    root = tmp_path_factory.mktemp('clips')
    write_clips(root, a='playing_chess', b='yoga')
    return root


def prepare(*args, **options):
    return prepare_data(*args, **dict(dict(base=BASE, workers=1), **options))


def datasets_of(folder):
    """The data sets of a config, as a runner makes them, and the config."""
    cfg = Config.fromfile(f'{folder}/config.py')
    loaders = {part: cfg[f'{part}_dataloader'] for part in PARTS}
    return cfg, {
        part: DATASETS.build(loader['dataset'])
        for part, loader in loaders.items()
        if loader
    }


def about(folder):
    with open(f'{folder}/data.json') as file:
        return json.load(file)


def test_folders_become_a_config_that_can_be_moved(clips, tmp_path, monkeypatch):
    """Wherever it is called from, and wherever both folders are together."""
    shutil.copytree(clips, tmp_path / 'here/clips')
    out = tmp_path / 'here/mydata'
    data = prepare(str(tmp_path / 'here/clips'), str(out))
    assert data.classes == ['playing chess', 'yoga'] and data.warnings == []
    assert [data.parts.count(part) for part in PARTS] == [8, 2, 2]
    assert "'playing_chess' is 'playing chess'" in data.remarks[-1]
    shutil.move(tmp_path / 'here', tmp_path / 'there')
    monkeypatch.chdir(tmp_path / 'there')
    cfg, datasets = datasets_of('mydata')
    assert cfg.model.cls_head.num_classes == 2
    assert str(tmp_path) not in read_lines('mydata/config.py')[-8]
    infos = [set_[i] for set_ in datasets.values() for i in range(len(set_))]
    assert len(infos) == 12
    assert {tuple(info['inputs'].shape) for info in infos} == {(1, 3, 8, 64, 64)}
    names = {
        os.path.basename(info['data_samples'].filename): info['data_samples'].gt_label
        for info in infos
    }
    assert {(name[0], int(label)) for name, label in names.items()} == {
        ('a', 0),
        ('b', 1),
    }
    content = about('mydata')
    assert content['clips'] == dict(train=8, val=2, test=2)
    assert {'seed', 'shares', 'root', 'separator', 'rate'} <= set(content['settings'])
    assert content['classes'][0]['labels'] == ['playing_chess']


def test_the_same_by_frames_seconds_and_tracks(tmp_path):
    """A table, exports of both tools: the same frames of the same files."""
    videos = tmp_path / 'my videos'  # which takes tabs as delimiter
    for i in range(3):
        write_video(videos / f'{i}.mp4', 50, (32, 32), seed=i, rate=25)
    rows, tasks, tracks = ['path,start,end,label'], [], []
    for i in range(3):
        rows += [f'{i}.mp4,0,0.8,run', f'{i}.mp4,0.8,2,jump']
        tasks.append((f'{i}.mp4', [(1, 20, 'run'), (21, 50, 'jump')]))
    tracks = [('run', [(0, 0), (20, 1)]), ('jump', [(20, 0), (49, 0)])]
    cvat = [
        write_cvat(videos / f'{i}.xml', f'{i}.mp4', ['jump', 'run'], tracks=tracks)
        for i in range(3)
    ]
    sources = dict(
        table=write_text(str(videos / 'x.csv'), *rows),
        label_studio=write_label_studio(videos / 'x.json', tasks),
        cvat=cvat,
    )
    lists = {}
    for name, source in sources.items():
        out = tmp_path / name
        data = prepare(source, str(out), shares=(1, 0, 0))
        assert data.classes == ['jump', 'run'] and data.has_segments
        lists[name] = sorted(read_lines(out, 'train.txt'))
    assert lists['table'][:2] == ['0.mp4\t0.0\t0.8\t1', '0.mp4\t0.8\t2.0\t0']
    assert lists['table'] == lists['label_studio'] == lists['cvat']
    cfg, datasets = datasets_of(tmp_path / 'cvat')
    assert cfg.val_dataloader is None and cfg.test_cfg is None
    dataset = datasets['train']
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        info['start_index'] = 0
        for transform in dataset.pipeline.transforms[:3]:
            info = transform(info)
        first, last = info['frame_inds'][[0, -1]]
        run = info['label'] == 1
        assert (0 <= first < last < 20) if run else (20 <= first < last < 50)


def test_frames_of_a_variable_rate(tmp_path):
    """Seconds are those of the file itself, so that they lead to the frames back."""
    path = tmp_path / 'v.mp4'
    write_video(path, 30, (32, 32))
    uneven = tmp_path / 'uneven.mkv'
    import av

    with av.open(str(path)) as source, av.open(str(uneven), 'w') as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.pts += 3000 * (packet.pts > 5000)
                packet.dts = packet.pts
                packet.stream = stream
                target.mux(packet)
    times = VideoReader(str(uneven)).times
    assert np.ptp(np.diff(times[:-1])) > 0.1
    tracks = [('run', [(3, 0), (20, 1)]), ('jump', [(20, 0), (29, 0)])]
    export = write_cvat(
        tmp_path / 'x.xml', 'uneven.mkv', ['run', 'jump'], tracks=tracks
    )
    data = prepare(export, str(tmp_path / 'out'))
    ranges = {
        clip.labels[0]: (clip.start, clip.end, clip.frames) for clip in data.clips
    }
    assert ranges['run'] == (*np.round(times[[3, 20]], 6), 17)
    assert ranges['jump'] == (*np.round(times[[20, 30]], 6), 10)


def test_a_file_that_breaks_its_reader(clips, tmp_path, monkeypatch):
    """It costs itself, whatever it does to the process that reads it."""
    root = tmp_path / 'clips'
    shutil.copytree(clips, root)
    for name in ('abort', 'hang'):
        write_video(root / f'yoga/{name}.mp4', 12, (32, 32), len(name))
    look = clip_files.check_entry

    def look_or_break(info, full):
        DecodeOrBreak().transform(info)
        return look(info, full)

    monkeypatch.setattr(clip_files, 'check_entry', look_or_break)
    data = prepare(str(root), str(tmp_path / 'out'), time_limit=3, workers=2)
    reasons = {os.path.basename(one.name): one.detail for one in data.left_out}
    assert len(data.clips) == 12 and set(reasons) == {'abort.mp4', 'hang.mp4'}
    assert 'crashed (SIGABRT)' in reasons['abort.mp4']
    assert 'not read within 3 s' in reasons['hang.mp4']


def test_bases(clips, tmp_path):
    """A shipped config for eight GPUs; one of one's own, which moves along."""
    weights = tmp_path / 'clip.pt'
    weights.touch()
    prepare(
        str(clips),
        str(tmp_path / 'a'),
        base='bike_vitb16_k400',
        pretrained=str(weights),
    )
    cfg = Config.fromfile(f'{tmp_path}/a/config.py')
    assert cfg.model.backbone.pretrained == str(weights)
    loader = cfg.train_dataloader
    assert (loader.batch_size, loader.num_workers, loader.drop_last) == (4, 4, False)
    assert cfg.val_dataloader.num_workers == 4 and cfg.auto_scale_lr.enable
    assert cfg.train_dataloader.dataset.data_prefix.video == str(clips)  # far away
    data = prepare(str(clips), str(tmp_path / 'a'), base=None, overwrite=True)
    assert 'the model is that of the earlier call: bike_vitb16_k400' in data.remarks
    again = Config.fromfile(f'{tmp_path}/a/config.py')
    assert again.model.backbone == cfg.model.backbone
    own = tmp_path / 'my.py'
    own.write_text("_base_ = 'bike_mmaction::bike_demo'\nmodel = dict(neck=None)\n")
    prepare(str(clips), str(tmp_path / 'b'), base=str(own))
    assert "_base_ = '../my.py'" in read_lines(tmp_path, 'b/config.py')
    assert Config.fromfile(f'{tmp_path}/b/config.py').model.neck is None
    with pytest.raises(FileNotFoundError, match="did you mean 'bike_demo'"):
        prepare(str(clips), str(tmp_path / 'c'), base='bike_dmo')


def test_several_labels(clips, tmp_path):
    rows = ['path,label']
    rows += [f'playing_chess/a{i}.mp4,{"chess;sitting" if i else ""}' for i in range(6)]
    rows += [f'yoga/b{i}.mp4,yoga' for i in range(6)] + ['yoga/b3.mp4,sitting']
    table = write_text(str(tmp_path / 'x.csv'), *rows)
    out = tmp_path / 'out'
    data = prepare(table, str(out), root=str(clips))
    assert data.multi_label and data.classes == ['chess', 'sitting', 'yoga']
    assert [one.reason for one in data.left_out] == [
        'labels of a clip that is listed again'
    ]
    cfg, datasets = datasets_of(out)
    labels = {
        os.path.basename(info['filename']): info['label'].tolist()
        for dataset in datasets.values()
        for info in map(dataset.get_data_info, range(len(dataset)))
    }
    assert labels['a0.mp4'] == [0, 0, 0] and labels['a1.mp4'] == [1, 1, 0]
    assert labels['b3.mp4'] == [0, 1, 1] and labels['b2.mp4'] == [0, 0, 1]
    assert cfg.test_evaluator[0].type == 'MeanAPMetric'
    data = prepare(
        table,
        str(tmp_path / 'one'),
        root=str(clips),
        multi_label=False,
        classes=['yoga', 'chess'],
        shares=(1, 0, 0),
    )
    reasons = {one.reason for one in data.left_out}
    assert data.classes == ['yoga', 'chess'] and len(data.clips) == 11
    assert reasons == {'class that is not asked for', 'without label'}


# long: a data set with all that can be wrong in it
def test_nothing_is_lost_or_used_silently(tmp_path):
    """What is wrong is named, with its reason; the rest is used."""
    clips = tmp_path / 'clips'
    (clips / 'bad').mkdir(parents=True)
    write_bad(clips / 'bad', 5)
    for name in ('abort', 'hang'):
        os.remove(clips / f'bad/{name}.mp4')
    write_clips(clips, 4, c='YO YO', d='Yo_Yo', e='007')  # the second has more
    os.remove(clips / 'YO YO/c3.mp4')
    write_video(clips / 'single/s.mp4', 3, (32, 32), 50)
    (clips / 'empty class').mkdir()
    shutil.copy(clips / '007/e0.mp4', clips / '007/again.mp4')
    shutil.copy(clips / '007/e1.mp4', clips / 'Yo_Yo/e1.mp4')
    os.rename(clips / '007/e2.mp4', clips / '007/e\n2.mp4')
    shutil.copy(clips / '007/e\n2.mp4', clips / 'single' / os.fsdecode(b'\xff.mp4'))
    with open(clips / 'single' / os.fsdecode(b'\xff.mp4'), 'ab') as file:
        file.write(b'other content')
    shutil.copy(clips / 'bad/v0.mp4', clips / 'loose.mp4')
    data = prepare(str(clips), str(tmp_path / 'out'), time_limit=20)
    left_out = {(one.reason, os.path.basename(one.name)) for one in data.left_out}
    assert left_out == {
        ('in no folder of a class', 'loose.mp4'),
        ('unreadable', 'empty.mp4'),
        ('unreadable', 'cut.mp4'),
        ('unreadable', 'pipe.mp4'),
        ('same content as another clip', 'e0.mp4'),
        ('same clip in several classes', 'e1.mp4'),
        ('name that no list can have', 'e\n2.mp4'),
        ('name that no list can have', '\udcff.mp4'),
    }
    warnings = '\n'.join(data.warnings)
    for text in (
        '3 left out, unreadable: bad/cut.mp4 (its index (moov) is missing',
        "2 left out, same clip in several classes: 007/e1.mp4 (it is in '007' ",
        "and 'Yo Yo'); Yo_Yo/e1.mp4",
        "'Yo_Yo' and 'YO YO' are one class, 'Yo Yo': CLIP reads the same",
        'classes without a usable clip, they are left out: empty class',
        'classes whose names say nothing to CLIP, edit classes.txt: 007',
        'classes with one clip, add more: single',
        'classes without a clip to test: single',
        '2 files are damaged, kept: ',
        '2 clips are shorter than the 8 frames that the model sees, kept',
        'list can have: 007/e\\n2.mp4 (a tab',
    ):
        assert text in warnings, f'{text}\nnot in\n{warnings}'
    assert not any("'Yo Yo' is" in remark for remark in data.remarks)
    content = about(tmp_path / 'out')
    told = sum(len(group) for group in content['left_out'].values())
    files = [n for _, _, names in os.walk(clips) for n in names]
    assert told + len(data.clips) == len(files)
    assert read_lines(tmp_path, 'out', 'classes.txt') == data.classes
    assert data.classes == ['007', 'Yo Yo', 'bad', 'single']


def test_given_parts_and_leaks(clips, tmp_path):
    """The same content is on one side, and recordings too where nobody gave parts."""
    root = tmp_path / 'clips'
    shutil.copytree(clips, root / 'train')
    for name in ('playing_chess/a0.mp4', 'yoga/b0.mp4'):
        target = root / 'test' / name.replace('0', '9')
        target.parent.mkdir(parents=True)
        shutil.copy(root / 'train' / name, target)
    data = prepare(str(root), str(tmp_path / 'out'))
    assert {os.path.basename(c.clip.path) for c in data.of_part('test')} == {
        'a9.mp4',
        'b9.mp4',
    }
    assert all('in test; this one was in train' in o.detail for o in data.left_out)
    assert len(data.left_out) == 2 and data.parts.count('val') == 2
    rows = ['path,start,end,label,group,split']
    for i in range(6):
        rows += [
            f'yoga/b{i}.mp4,0,0.2,a,g{i // 2},',
            f'yoga/b{i}.mp4,0.2,0.4,b,g{i // 2},',
        ]
    table = write_text(str(tmp_path / 'x.csv'), *rows)
    data = prepare(table, str(tmp_path / 'grouped'), root=str(clips))
    sides = {(c.clip.group, part) for c, part in zip(data.clips, data.parts)}
    assert len(sides) == 3 and {part for _, part in sides} == set(PARTS)
    rows[1:] = [
        f'{row}{"train" if i % 2 else "test"}' for i, row in enumerate(rows[1:])
    ]
    table = write_text(str(tmp_path / 'y.csv'), *rows)
    data = prepare(table, str(tmp_path / 'leaky'), root=str(clips))
    assert any('recordings with clips in several parts' in w for w in data.warnings)
    by_name = prepare(str(clips), str(tmp_path / 'by'), group_by='[ab]([0-2])')
    sides = {
        (c.clip.group, p) for c, p in zip(by_name.clips, by_name.parts) if c.clip.group
    }
    assert len(sides) == 3


def test_again(clips, tmp_path):
    """Nothing is overwritten unasked, and nothing of a person's hand at all."""
    out = tmp_path / 'out'
    prepare(str(clips), str(out))
    lists = read_lines(out, 'train.txt')
    with pytest.raises(FileExistsError, match="out' has config.py, classes.txt, train"):
        prepare(str(clips), str(out))
    data = prepare(str(clips), str(out), overwrite=True)
    assert data.warnings == [] and read_lines(out, 'train.txt') == lists
    (out / 'notes.txt').write_text('mine')
    for name in ('config.py', 'classes.txt'):
        (out / name).write_text((out / name).read_text() + '# mine\n')
    shutil.copytree(clips, out / 'clips')  # the folder of the data among the classes
    prepare(str(out / 'clips'), str(out / 'clips/mine'))
    data = prepare(str(out / 'clips'), str(out / 'clips/mine'), overwrite=True)
    assert data.warnings == [] and len(data.clips) == 12
    for seed in (1, 2):  # again what was changed long ago
        data = prepare(
            str(clips), str(out), overwrite=True, seed=seed, shares=(1, 1, 0)
        )
    assert any('config.py was changed by hand and is kept' in w for w in data.warnings)
    assert '# mine' in (out / 'config.py').read_text()
    assert '# mine' in (out / 'classes.txt.old1').read_text()
    assert (out / 'notes.txt').read_text() == 'mine'
    assert '# mine' not in (out / 'config_new.py').read_text()
    assert not (out / 'test.txt').exists() and not (out / 'classes.txt.old2').exists()
    assert datasets_of(out)[0].test_dataloader is None
    os.remove(out / 'data.json')  # nobody knows any more who wrote what
    prepare(str(clips), str(out), overwrite=True)
    assert (out / 'train.txt.old1').exists() and '# mine' in (
        out / 'config.py'
    ).read_text()


def test_errors_in_one_line(clips, tmp_path):
    """Of the command, with exit status 1 and nothing written."""
    out, one = tmp_path / 'out', tmp_path / 'one'
    shutil.copytree(clips / 'yoga', one / 'yoga')
    (one / 'other').mkdir()
    (one / 'other/x.mp4').write_bytes(b'no video')
    only_test = write_text(
        str(tmp_path / 'x.csv'),
        'path,label,split',
        'yoga/b0.mp4,a,test',
        'playing_chess/a0.mp4,b,test',
    )
    for args, message in (
        ([one], "two classes at least are needed, one class has ('yoga'): "),
        (
            [only_test, '--root', clips],
            'all 2 clips are given to test, none is left to train on: nothing',
        ),
        ([clips, '--group-by', 'nowhere'], "group_by: 'nowhere' is found in no path"),
    ):
        done = run_python(
            '-m', 'bike_mmaction', 'data', *args, '--out', out, '--base', BASE
        )
        assert done.returncode == 1 and message in done.stderr, done.stderr
        assert 'Traceback' not in done.stderr
        assert len(done.stderr.strip().splitlines()[-1:]) == 1
        assert not os.path.exists(out)
    done = run_python(
        '-m', 'bike_mmaction', 'data', clips, '--out', out, '--base', BASE
    )
    assert (
        done.returncode == 0
        and '2 classes, 12 clips (8 train, 2 val, 2 test)' in done.stdout
    )


def test_folder_that_cannot_be_written(clips, tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    with pytest.raises(FileExistsError, match="file' is a file, name a folder"):
        prepare(str(clips), str(tmp_path / 'file'))
    with pytest.raises(ValueError, match='Ann\'s data" has "\'" in it'):
        prepare(str(clips), str(tmp_path / "Ann's data"))
    monkeypatch.setattr(os, 'access', lambda *_: False)  # tests may run as root
    with pytest.raises(
        PermissionError, match="write to '.*out': '.*' is no folder, or"
    ):
        prepare(str(clips), str(tmp_path / 'out'))
