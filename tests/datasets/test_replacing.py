"""Other samples in the place of those that cannot be read."""

import copy
import faulthandler
import pickle
import random

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, TRANSFORMS

import tests.kit.hostile  # noqa: F401  (registers)
from bike_mmaction.datasets.entries import annotated
from bike_mmaction.datasets.isolation import Isolated, random_states
from bike_mmaction.datasets.replacing import replace_unreadable, take_bad_videos
from bike_mmaction.datasets.transforms.reading import samples_of
from bike_mmaction.datasets.transforms.video import VideoDecode
from bike_mmaction.errors import BadVideosError, PipelineError, UnreadableError
from bike_mmaction.files import source_of
from bike_mmaction.video import WorkerError
from tests.kit.bad_videos import write_bad, write_list
from tests.kit.lists import write_text
from tests.kit.videos import write_frames

PACK = dict(type='PackActionInputs', meta_keys=('filename', 'frame_dir', 'frame_inds'))
RESIZE = dict(type='Resize', scale=(32, 32), keep_ratio=False)
LATER = [
    RESIZE,
    dict(type='Flip'),
    dict(type='FormatShape', input_format='NCTHW'),
    PACK,
]
SAMPLE = dict(type='SampleFrames', clip_len=2)
VIDEO = [dict(type='VideoInit'), SAMPLE, dict(type='VideoDecode'), *LATER]
DECORD = [dict(type='DecordInit'), SAMPLE, dict(type='DecordDecode'), *LATER]
FRAMES = [SAMPLE, dict(type='RawFrameDecode'), *LATER]
BROKEN = [*VIDEO[:2], dict(type='DecodeOrBreak'), *VIDEO[2:]]
REPEATED = [*VIDEO[:3], dict(type='RepeatSample', transforms=LATER, num_repeats=2)]


@TRANSFORMS.register_module(force=True)
class RefusingDecode(VideoDecode):
    """Fails at one file, behind the transforms that draw its frames."""

    def transform(self, results):
        if 'v1.mp4' in results['filename']:
            raise ValueError('refused')
        return super().transform(results)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """pytest would print where a process crashes."""
    original = Isolated._call_there

    def call_there(self, task):
        faulthandler.disable()
        return original(self, task)

    monkeypatch.setattr(Isolated, '_call_there', call_there)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Five good videos among bad ones, lists of them, and frames of two."""
    folder = tmp_path_factory.mktemp('bad')
    names = write_bad(folder, count=5)
    write_list(folder / 'all.txt', names)
    write_list(folder / 'soft.txt', [x for x in names if x not in ('hang', 'abort')])
    write_list(folder / 'empty.txt', ['empty', 'cut'])
    segments = [f'v{i}.mp4 0 0.5 0' for i in range(4)]
    late = 'v4.mp4 50 60 1'  # it ends long before
    write_text(str(folder / 'segments.txt'), *segments, late, 'cut.mp4 0 1 1')
    for name in ('v0', 'v1'):
        write_frames(f'{folder}/{name}.mp4', f'{folder}/{name}')
    write_text(str(folder / 'frames.txt'), 'v0 24 0', 'v1 24 0', 'gone 24 1')
    return folder


def build(folder, name='all', pipeline=BROKEN, kind='VideoDataset', **kwargs):
    key = 'img' if 'Frame' in kind else 'video'
    return DATASETS.build(
        dict(
            type=kind,
            ann_file=f'{folder}/{name}.txt',
            data_prefix={key: str(folder)},
            pipeline=copy.deepcopy(pipeline),
            **kwargs,
        )
    )


def draw(dataset, seed=0, times=1):
    """All samples one after the other, from a seed; and what they tell."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    samples = [dataset[i] for _ in range(times) for i in range(len(dataset))]
    return samples, take_bad_videos(samples)


def names_of(bad):
    return sorted(file.rsplit('/', 1)[-1].split('.')[0] for file in bad)


def test_another_process_draws_what_this_one_would(folder):
    """Samples, replacements and random numbers are the same, and again so."""
    results = []
    pipeline = [*VIDEO[:2], dict(type='RefusingDecode'), *LATER]
    for time_limit in (None, 30, 30):
        dataset = build(folder, 'soft', pipeline)
        replace_unreadable(dataset, time_limit, replaces=True)
        samples, bad = draw(dataset, times=2)
        assert names_of(bad.unreadable) == [*SOFT, 'v1']
        assert bad.replaced == 8 and names_of(bad.damaged) == ['times', 'times_too']
        states = random_states()
        ends = states[0], states[1][1].tolist(), states[1][2], states[2].tolist()
        results.append((samples, *ends))
    (expected, *ends), *others = results
    for samples, *other_ends in others:
        assert other_ends == ends
        for one, other in zip(expected, samples):
            assert one['data_samples'].filename == other['data_samples'].filename
            assert torch.equal(one['inputs'], other['inputs'])


# Data set, and which of its files are bad.
SOFT = ['cut', 'empty', 'pipe']
HARD = ['abort', 'cut', 'empty', 'hang', 'pipe']
SETS = dict(
    videos=(lambda build: build(), HARD),
    repeated=(lambda build: wrap(build('soft', REPEATED)), SOFT),
    few_shot=(
        lambda build: DATASETS.build(
            dict(type='FewShotDataset', dataset=build('soft', VIDEO), shots=10)
        ),
        SOFT,
    ),
    # decord aborts at a byte of the tables, and would wait for the pipe for ever
    decord=(
        lambda build: build('soft', DECORD, 'RepeatAugDataset', num_repeats=2),
        [*SOFT, 'times', 'times_too'],
    ),
    segments=(
        lambda build: build('segments', SEGMENTS, 'VideoSegmentDataset'),
        ['cut', 'v4'],
    ),
    frames=(
        lambda build: build(
            'frames', FRAMES, 'NamedFrameDataset', filename_tmpl='img_{:05}.jpg'
        ),
        ['gone'],
    ),
)
SEGMENTS = [VIDEO[0], dict(type='KeepSegment'), *VIDEO[1:]]


def wrap(dataset):
    return DATASETS.build(dict(type='RepeatDataset', dataset=dataset, times=2))


@pytest.mark.parametrize('kind', SETS)
def test_every_data_set(folder, kind, monkeypatch):
    if kind == 'decord':
        pytest.importorskip('decord')
    make, expected = SETS[kind]
    waited_for, of_video = [], WorkerError.of_video

    def note(error, path):
        waited_for.append(path)
        return of_video(error, path)

    monkeypatch.setattr(WorkerError, 'of_video', note)
    dataset = make(lambda *args, **kwargs: build(folder, *args, **kwargs))
    for part in annotated(dataset):
        replace_unreadable(part, 2, replaces=True)
    _, bad = draw(dataset, times=2)
    assert len(set(waited_for)) == len(waited_for)  # never twice
    assert names_of(bad.unreadable) == expected
    for file, reason in bad.unreadable.items():
        assert f"'{file}'" in reason
    samples, again = draw(pickle.loads(pickle.dumps(dataset)))
    assert names_of(again.unreadable) == expected
    assert not {source_of(sample) for sample in samples_of(samples)} & set(
        bad.unreadable
    )


def test_what_is_no_fault_of_a_video_is_an_error(folder):
    pipeline = [*VIDEO[:3], dict(type='SpacedThreeCrop', crop_size=5000), *LATER]
    dataset = build(folder, 'soft', pipeline)
    replace_unreadable(dataset, 30, replaces=True)
    with pytest.raises(PipelineError, match='smaller than the crop') as error:
        draw(dataset)
    assert not isinstance(error.value, UnreadableError)


def test_nothing_to_take_instead(folder):
    dataset = build(folder, 'empty', VIDEO)
    replace_unreadable(dataset, 30, replaces=True)
    with pytest.raises(
        BadVideosError, match='2 samples in a row.* the last one: .*cut'
    ):
        draw(dataset)
    dataset = build(folder, 'empty', VIDEO)
    replace_unreadable(dataset, 30, replaces=False)
    with pytest.raises(UnreadableError, match='empty.mp4.: the file is empty'):
        draw(dataset)
