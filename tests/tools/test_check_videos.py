"""Broken videos are found before training."""

import json
import os
import os.path as osp
import re
import signal

import pytest
from mmengine.config import Config

from bike_mmaction.datasets import checking
from bike_mmaction.datasets.check_record import CheckRecord
from tests.kit import ROOT
from tests.kit.lists import write_text
from tests.kit.tools import outcome, refusal, run_python
from tests.kit.videos import write_frames, write_video

CONFIG = osp.join(ROOT, 'configs/bike_vitb32_k400.py')
LINES = [
    'good.mp4 0',
    'sub/short.mp4 1',
    'absent.mp4 2',
    'cut.mp4 3',
    'late.mp4 4',
    'text.mp4 5',
    'empty.mp4 6',
    'good2.mp4 7',
]


@pytest.fixture(scope='module')
def disk(tmp_path_factory):
    """Good and bad videos, as the Kinetics-400 configs look for them."""
    root = tmp_path_factory.mktemp('k400')
    folder = root / 'videos_train'
    write_video(folder / 'good.mp4')
    write_video(folder / 'good2.mp4', 8)
    write_video(folder / 'sub/short.mp4', 3)
    for name, options in (('cut', None), ('late', dict(movflags='faststart'))):
        path = write_video(folder / f'{name}.mp4', options=options)
        os.truncate(path, osp.getsize(path) * 2 // 3)
    write_text(str(folder / 'text.mp4'), 'no video')
    write_text(str(folder / 'empty.mp4'))
    write_text(f'{root}/kinetics400_train_list_videos.txt', *LINES)
    return str(root)


def write_config(disk, path, change=lambda cfg: None):
    """The config with the paths below ``disk``."""
    cfg = Config.fromfile(CONFIG)
    text = json.dumps(cfg.to_dict()).replace(cfg.data_root, disk)
    cfg = Config(json.loads(text))
    change(cfg)
    cfg.dump(path)
    return path


@pytest.fixture
def check(disk, tmp_path):
    """Status, what was printed, usable lines and report."""

    def run(*args, change=lambda cfg: None):
        config = write_config(disk, tmp_path / 'config.py', change)
        out = tmp_path / 'usable.txt'
        status, printed = outcome(
            'data/check_videos', config, '--workers', 2, '--out', out, *args
        )
        assert isinstance(status, int), status
        report = json.loads((tmp_path / 'usable.txt.report.json').read_text())
        assert f'written: {out}\nwritten: {out}.report.json' in printed
        return status, printed, out.read_text().splitlines(), report

    return run


@pytest.mark.parametrize('full', [False, True])
def test_videos(full, check, disk):
    status, printed, usable, report = check(*['--full'][:full])
    assert status == 1
    assert usable == [LINES[i] for i in (0, 1, 4, 7)]
    assert printed.startswith(
        f'{disk}/kinetics400_train_list_videos.txt: 8 entries, 4 usable, 1 '
        'missing, 3 unreadable, 1 damaged (kept), 1 too short (fewer than 8 frames; '
        'kept)'
    )
    problems = report.pop('problems')
    assert report == dict(
        ann_file=f'{disk}/kinetics400_train_list_videos.txt',
        full=full,
        clip_len=8,
        min_frames=None,
        entries=8,
        usable=4,
        missing=1,
        unreadable=3,
        damaged=1,
        too_short=1,
    )
    by_line = {p['line']: p for p in problems}
    assert by_line[2] == dict(
        line=2,
        entry='sub/short.mp4 1',
        path=f'{disk}/videos_train/sub/short.mp4',
        usable=True,
        problem='too short',
        reason='3 frames, fewer than 8',
        frames=3,
    )
    for line, problem, reason in (
        (3, 'missing', 'no such file or folder'),
        (4, 'unreadable', 'its index (moov) is missing'),
        (5, 'damaged', 'it is cut off'),
        (6, 'unreadable', 'it is no video'),
        (7, 'unreadable', 'the file is empty (0 bytes)'),
    ):
        assert by_line.pop(line)['problem'] == problem
        assert problems[line - 2]['reason'].startswith(reason)
    assert list(by_line) == [2]


def test_min_frames(check):
    status, printed, usable, _ = check('--min-frames', 9)
    assert status == 1 and usable == ['good.mp4 0', 'late.mp4 4']
    assert '2 too short (fewer than 9 frames; left out)' in printed
    report = check('--min-frames', 99)[3]
    reasons = {p['line']: p['reason'] for p in report['problems']}
    assert re.fullmatch(r'\d+ frames, fewer than 99; it is cut off.*', reasons[5])


def test_all_usable(check, disk, tmp_path):
    path = write_text(f'{tmp_path}/some.txt', LINES[1], 'good.mp4 0 ')
    status, _, usable, report = check(
        '--cfg-options', f'train_dataloader.dataset.ann_file={path}'
    )
    assert status == 0 and report['too_short'] == 1
    assert usable == [LINES[1], 'good.mp4 0']  # but for spaces around


def test_few_shot_is_checked_as_a_whole(check):

    def change(cfg):
        cfg.train_dataloader.dataset = dict(
            type='FewShotDataset', shots=1, dataset=cfg.train_dataloader.dataset
        )

    assert check(change=change)[3]['entries'] == len(LINES)


def test_segments(check, tmp_path):
    lines = ['good.mp4 0.20 0.60 1', 'good.mp4 0.20 0.30 2', 'good.mp4 2.00 3.00 3']
    path = write_text(f'{tmp_path}/segments.txt', *lines)

    def change(cfg):
        cfg.train_dataloader.dataset.update(type='VideoSegmentDataset', ann_file=path)

    status, printed, usable, report = check(change=change)
    assert status == 1 and usable == lines[:2]
    first, second = report['problems']
    assert (first['line'], first['frames']) == (2, 2)
    assert first['problem'] == 'too short'
    assert 'begins behind the end of the video (0.96 s)' in second['reason']


def test_frames(check, disk, tmp_path):
    folder = f'{disk}/rawframes_train'
    video = f'{disk}/videos_train/good.mp4'
    for name in ('good', 'gap', 'broken'):
        write_frames(video, f'{folder}/{name}')
    os.remove(f'{folder}/gap/img_00024.jpg')
    write_text(f'{folder}/broken/img_00005.jpg', 'no image')
    lines = [
        'good 24 0',
        'good 3 0',
        'good 0 0',
        'gap 24 1',
        'gap 23 1',
        'broken 24 2',
        'absent 24 3',
    ]
    path = write_text(f'{disk}/kinetics400_train_list_rawframes.txt', *lines)
    status, printed, usable, report = check('--rawframes')
    assert status == 1 and printed.startswith(f'{path}: 7 entries')
    assert usable == [lines[i] for i in (0, 1, 4, 5)]
    reasons = {p['line']: p['reason'] for p in report['problems']}
    assert reasons == {
        2: '3 frames, fewer than 8',
        3: 'ValueError: 0 frames',
        4: "FileNotFoundError: there is no 'img_00024.jpg'",
        7: 'no such file or folder',
    }
    # only reading all finds an image in between
    _, _, usable, report = check('--rawframes', '--full')
    assert lines[5] not in usable
    assert "'img_00005.jpg' is no image" in report['problems'][3]['reason']


def test_segments_of_frames(disk):
    folder = osp.join(disk, 'rawframes_x', 'V')
    write_frames(f'{disk}/videos_train/good.mp4', folder)
    os.remove(f'{folder}/img_00010.jpg')
    info = dict(frame_dir=folder, filename_tmpl='img_{:05}.jpg', start_index=1)
    assert checking.check_entry(dict(info, offset=10, total_frames=14)).usable
    verdict = checking.check_entry(dict(info, offset=9, total_frames=14))
    assert "there is no 'img_00010.jpg'" in verdict.reason


def test_a_crash_is_reported(monkeypatch, tmp_path):
    """As of native code: the process is gone, without an exception."""
    read = checking._read_video

    def crash(info, full):
        if osp.basename(info['filename']).startswith('crash'):
            os.kill(os.getpid(), signal.SIGKILL)
        return read(info, full)

    monkeypatch.setattr(checking, '_read_video', crash)
    video = write_video(tmp_path / 'good.mp4')
    infos = [dict(filename=video)] * 20
    for i in (0, 11, 19):
        os.symlink(video, tmp_path / f'crash{i}.mp4')
        infos[i] = dict(filename=f'{tmp_path}/crash{i}.mp4')
    verdicts = checking.check_all(infos, workers=2)
    assert [i for i, v in enumerate(verdicts) if not v.usable] == [0, 11, 19]
    assert verdicts[0].reason.endswith('crashed (SIGKILL: out of memory?)')
    assert verdicts[1].frames == 24


def test_clip_len_is_found():
    inner = [dict(type='A'), dict(type='SparseSampleFrames', clip_len=16)]
    assert checking.sampled_frames(inner) == 16
    nested = [dict(type='ReportUnreadable', transforms=inner)]
    assert checking.sampled_frames(nested) == 16
    assert checking.sampled_frames([dict(type='LoadAttributes')]) == 1


def test_messages(disk, tmp_path):
    config = write_config(disk, tmp_path / 'config.py')
    for args, expected in (
        ([config, '--split', 'val'], 'kinetics400_val_list_videos.txt'),
        ([config, '--workers', 0], "--workers: '0' is not a whole"),
        ([config, '--min-frames', 0], "--min-frames: '0' is not a whole"),
        (['none.py'], 'none.py'),
        ([config, '--cfg-options', 'dataset=1'], 'would have no effect'),
    ):
        assert expected in refusal('data/check_videos', *args)
    config = write_config(
        disk, tmp_path / 'config.py', lambda cfg: cfg.pop('train_dataloader')
    )
    assert "config has no 'train_dataloader" in refusal('data/check_videos', config)


def test_a_list_of_any_editor(disk, tmp_path):
    """Marks, blank lines, comments and other ends of lines are no trouble."""
    config = write_config(disk, tmp_path / 'config.py')
    path = tmp_path / 'list.txt'
    text = '\ufeffgood.mp4 0\n\n# ours\n good2.mp4\t1 \nabsent.mp4 1\n \n'
    path.write_bytes(text.replace('\n', '\r\n').encode())
    options = ['--cfg-options', f'train_dataloader.dataset.ann_file={path}']
    status, printed = outcome('data/check_videos', config, *options)
    assert status == 1 and '3 entries, 2 usable' in printed
    usable = tmp_path / 'list_usable.txt'
    assert usable.read_text() == 'good.mp4 0\ngood2.mp4\t1\n'
    report = json.loads((tmp_path / 'list_usable.txt.report.json').read_text())
    assert [problem['line'] for problem in report['problems']] == [5]
    usable.unlink()
    for content, expected in (
        (text.encode('utf-16'), ' is text of UTF-16, not of UTF-8: save the file'),
        (b'good.mp4 0\ngood2.mp4\xff 1\n', ' line 2 is not UTF-8 text (invalid start'),
        (b'good.mp4 0\ngood2\0.mp4 1\n', ' line 2 is no text: a zero byte in it'),
    ):
        path.write_bytes(content)
        message = refusal('data/check_videos', config, *options)
        assert message.startswith(f"check_videos: error: '{path}'{expected}")
    assert not usable.exists()


def test_command_line(disk, tmp_path):
    config = write_config(disk, tmp_path / 'config.py')
    done = run_python('tools/data/check_videos.py', config)
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    stem = f'{disk}/kinetics400_train_list_videos_usable.txt'
    assert osp.exists(stem) and osp.exists(f'{stem}.report.json')
    assert '8 entries, 4 usable' in done.stdout, done.stderr


def test_goes_on_after_a_stop(disk, tmp_path, monkeypatch):
    """What is checked is not read again, unless its file has changed."""
    config, out = write_config(disk, tmp_path / 'config.py'), tmp_path / 'usable.txt'
    args = [config, '--workers', 1, '--out', out]
    expected = outcome('data/check_videos', *args)
    report, read = out.read_bytes(), tmp_path / 'read'
    check_entry, add = checking.check_entry, CheckRecord.add

    def note(info, full):  # in another process
        with open(read, 'a') as file:
            print(osp.basename(info['filename']), file=file)
        return check_entry(info, full)

    def stop(self, number, *verdict):
        add(self, number, *verdict)
        if number == 5:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(checking, 'check_entry', note)
    with monkeypatch.context() as patch:
        patch.setattr(CheckRecord, 'add', stop)
        assert outcome('data/check_videos', *args)[0] == 143
    assert out.read_bytes() == report, 'the list of the check before'
    read.unlink()
    os.utime(f'{disk}/videos_train/good.mp4', (1, 1))
    assert outcome('data/check_videos', *args) == expected
    names = ['good.mp4', 'absent.mp4', 'empty.mp4', 'good2.mp4']
    assert read.read_text().split() == names
    assert not osp.exists(f'{out}.partial')
    # With other settings all are read.
    with monkeypatch.context() as patch:
        patch.setattr(CheckRecord, 'add', stop)
        assert outcome('data/check_videos', *args)[0] == 143
    read.unlink()
    outcome('data/check_videos', *args, '--full')
    assert len(read.read_text().split()) == len(LINES)
