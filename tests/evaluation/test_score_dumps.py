"""Score files of one or two branches, joined video by video."""

import os
import pickle
import sys
from unittest import mock

import mmengine
import numpy as np
import pytest
import torch
from mmaction.evaluation import ConfusionMatrix

from bike_mmaction.cli.mmaction_tools import run_mmaction_tool
from bike_mmaction.evaluation.dump_files import write_dump
from bike_mmaction.evaluation.score_dumps import join, read_dump
from tests.kit.score_dumps import (
    ATTRIBUTES,
    LABELS,
    VIDEO,
    chance,
    joint,
    sample,
    without,
    write_and_read,
)


@pytest.fixture
def write(tmp_path):
    """Write a dump and read it; returns it."""
    return lambda samples, name='scores.pkl': write_and_read(samples, tmp_path / name)


class TestTwoFiles:
    def test_any_order(self, write):
        """As one file; with other extension, and frames instead of files."""
        samples = chance(30)
        expected, _ = join(write(samples))
        others = without(samples, 'video_score')
        for s in others:
            s['frame_dir'] = f'./{s.pop("filename")[:-4]}'
        np.random.RandomState(0).shuffle(others)
        actual, notes = join(
            write(without(samples, 'attributes_score')), write(others, 'attributes.pkl')
        )
        assert notes == []
        for one, other in zip(expected, actual):
            np.testing.assert_array_equal(one, other)

    def test_joint_dumps_give_their_branch(self, write):
        scores, _ = join(
            write(joint(attributes=[[1.0, 0.0]] * 4)),
            write(joint(video=[[1.0, 0.0]] * 4), 'attributes.pkl'),
        )
        np.testing.assert_array_equal(scores.video, VIDEO)
        np.testing.assert_array_equal(scores.attributes, ATTRIBUTES)

    def test_pred_score_of_other_heads(self, write):
        pair = [
            write(
                [
                    sample(i, label, pred=score)
                    for i, (score, label) in enumerate(zip(part, LABELS))
                ],
                f'{name}.pkl',
            )
            for name, part in (('v', VIDEO), ('a', ATTRIBUTES))
        ]
        scores, notes = join(*pair)
        np.testing.assert_array_equal(scores.attributes, ATTRIBUTES)
        assert len(notes) == 2
        assert all("'pred_score' is used as it is" in n for n in notes)

    def test_names_missing(self, write):
        first = write(without(joint(), 'filename'))
        scores, (note,) = join(first, write(joint(), 'attributes.pkl'))
        assert 'matched by position' in note
        np.testing.assert_array_equal(scores.attributes, ATTRIBUTES)
        with pytest.raises(ValueError, match='has 4 videos.*has 3.*filename'):
            join(first, write(joint()[1:], 'attributes.pkl'))
        with pytest.raises(ValueError, match="'gt_label' of video 0"):
            join(first, write(joint()[::-1], 'attributes.pkl'))

    @pytest.mark.parametrize(
        'change,message',
        [
            (
                lambda s: s[1:],
                "1 videos are in only one of .*scores.pkl' and "
                ".*other.pkl', such as 'data/videos_val/v0'",
            ),
            (
                lambda s: s + s[2:3],
                "other.pkl' has 1 videos more than once, such as 'data/videos_val/v2'",
            ),
            (
                lambda s: s[:3] + [dict(s[3], gt_label=torch.tensor([0]))],
                "'gt_label' of 'data/videos_val/v3' is not the same",
            ),
            (
                lambda s: joint(labels=np.eye(2, dtype=int)[LABELS].tolist()),
                "'gt_label' of 'data/videos_val/v0' is not the same",
            ),
            (lambda s: chance(4), 'of 2 classes.*of 6'),
            (
                lambda s: without(s, 'attributes_score'),
                r"other.pkl' has no 'attributes_score'.*\['video_score', 'pred_scor",
            ),
        ],
    )
    def test_disagreement(self, write, change, message):
        first = write(joint())
        with pytest.raises(ValueError, match=message):
            join(first, write(change(joint()), 'other.pkl'))

    def test_files_swapped(self, write):
        video = write(without(joint(), 'attributes_score'))
        attributes = write(without(joint(), 'video_score'), 'attributes.pkl')
        with pytest.raises(ValueError, match="attributes.pkl' has no 'video_"):
            join(attributes, video)


class TestPlainArrays:
    def test_npz_is_the_same_dump(self, tmp_path):
        samples = joint()
        del samples[1]['attributes_score']
        samples[2].update(note='odd', file=np.arange(2), empty=None, flag=True)
        for video, labels in zip(samples, ([0], [0, 1], [], [1])):
            video['several'] = torch.tensor(labels, dtype=torch.int64)
        path = str(tmp_path / 'scores.npz')
        write_dump(path, samples)
        again = read_dump(path).samples
        for video, other in zip(samples, again):
            video['img_shape'] = list(video['img_shape'])  # JSON has no tuples
            assert set(video) == set(other)
            for key, value in video.items():
                assert type(value) is type(other[key])
                np.testing.assert_array_equal(value, other[key])
        with np.load(path, allow_pickle=False) as arrays:
            np.testing.assert_array_equal(arrays['video_score'], VIDEO)
        with pytest.raises(ValueError, match="'odd' cannot be written as plain arr"):
            write_dump(path, [dict(samples[0], odd=object())])
        assert len(read_dump(path).samples) == 4  # the old one is still there

    def test_bad_npz(self, tmp_path):
        path = str(tmp_path / 'scores.npz')
        evil = np.array([dict()], dtype=object)
        for content in (dict(a=evil), dict(bike_mmaction=evil), dict(a=np.ones(1))):
            np.savez(path, **content)
            with pytest.raises(ValueError, match="scores.npz' is not a dump of scor"):
                read_dump(path)
        write_dump(path, joint())
        content = (tmp_path / 'scores.npz').read_bytes()
        (tmp_path / 'scores.npz').write_bytes(content[:-300])
        with pytest.raises(ValueError, match="scores.npz' is not a dump of scor"):
            read_dump(path)

    def test_tools_of_mmaction2(self, tmp_path, capsys):
        """They read plain arrays too, and run no code of a dump."""
        for name in ('a.pkl', 'b.npz'):
            write_dump(str(tmp_path / name), joint())
        dumps = [str(tmp_path / name) for name in ('a.pkl', 'b.npz')]
        before, argv = mmengine.load, sys.argv
        run_mmaction_tool('analysis_tools/report_accuracy', ['--preds', *dumps])
        assert 'Top 1 Accuracy: 0.75' in capsys.readouterr().out
        names = tmp_path / 'names.txt'
        names.write_bytes(b'\xef\xbb\xbfa dog\r\na cat\r\n\r\n')
        config = tmp_path / 'config.py'
        config.write_text('')
        plot = ['--show-path', str(tmp_path / 'plot.png'), '--label-file', str(names)]
        with mock.patch.object(ConfusionMatrix, 'plot') as drawn:
            tool = 'analysis_tools/confusion_matrix'
            run_mmaction_tool(tool, [str(config), dumps[1], *plot])
        assert drawn.call_args.kwargs['classes'] == ['a dog', 'a cat']
        (tmp_path / 'a.pkl').write_bytes(pickle.dumps([os.system]))
        with pytest.raises(ValueError, match="a.pkl' holds posix.system, which"):
            run_mmaction_tool('analysis_tools/report_accuracy', ['--preds', *dumps])
        assert mmengine.load is before
        sys.argv = argv


class TestBadFiles:
    def test_not_a_pickle(self, tmp_path):
        (tmp_path / 'x.pkl').write_text('{}')
        with pytest.raises(ValueError, match="x.pkl' is not a pickle"):
            read_dump(str(tmp_path / 'x.pkl'))
        with pytest.raises(FileNotFoundError, match='absent.pkl'):
            read_dump(str(tmp_path / 'absent.pkl'))

    @pytest.mark.parametrize(
        'content,message',
        [
            ([], 'holds an empty list'),
            (dict(video_score=1), 'does not hold a list of dicts'),
            ([1, 2], 'does not hold a list of dicts'),
        ],
    )
    def test_not_a_list_of_videos(self, write, content, message):
        with pytest.raises(ValueError, match=f"scores.pkl' {message}"):
            write(content)

    @pytest.mark.parametrize(
        'keys,message',
        [
            (['video_score'], r"has no 'video_score'.*\['attributes_score', 'pr"),
            (['attributes_score'], "has no 'attributes_score'.*'video_score'"),
            (
                ['video_score', 'attributes_score', 'pred_score'],
                "has no 'video_score'; of scores it has: None",
            ),
            (['gt_label'], r"'gt_label' of 'data/videos_val/v0' is \[\]; expect"),
        ],
    )
    def test_missing_everywhere(self, write, keys, message):
        with pytest.raises(ValueError, match=f"scores.pkl'.*{message}"):
            join(write(without(joint(), *keys)))

    @pytest.mark.parametrize(
        'key,value',
        [
            ('video_score', None),
            ('video_score', torch.tensor([0.5, float('nan')])),
            ('attributes_score', torch.tensor([0.5, float('inf')])),
            ('video_score', torch.tensor([[0.5, 0.5]])),
            ('video_score', torch.tensor([0.5, 0.3, 0.2])),
            ('attributes_score', dict(rgb=torch.tensor([0.5, 0.5]))),
            ('gt_label', torch.tensor([2])),
            ('gt_label', torch.tensor([-1])),
            ('gt_label', torch.tensor([1, 0])),
            ('gt_label', None),
        ],
    )
    def test_one_bad_video(self, write, key, value):
        samples = joint()
        samples[1][key] = value
        with pytest.raises(ValueError, match=f"scores.pkl'.*'{key}'"):
            join(write(samples))

    def test_video_without_video_score(self, write):
        samples = joint()
        del samples[3]['video_score']
        with pytest.raises(ValueError, match="'video_score' of .*v3' is missing"):
            join(write(samples))
