"""What is measured by turns, said to people and written as JSON."""

import json
import sys
from subprocess import CalledProcessError

import numpy as np
import pytest

from bike_mmaction.benchmarks import efficiency, head
from bike_mmaction.benchmarks.clips import draw_clips
from bike_mmaction.benchmarks.decoders import installed_decoders
from bike_mmaction.benchmarks.efficiency import LOW
from bike_mmaction.benchmarks.infer import TINY, Parts, make_inferencer
from bike_mmaction.benchmarks.measuring import Report, Spread, by_turns
from bike_mmaction.benchmarks.models import Subject
from bike_mmaction.benchmarks.startup import PARTS, benchmark_startup
from bike_mmaction.benchmarks.text import benchmark_text
from bike_mmaction.video import VideoReader
from tests.kit.configs import load_tiny
from tests.kit.models import CLASSES, TINY_ARCH, tiny_arch
from tests.kit.tools import run_well


@pytest.fixture(scope='module')
def clips(tmp_path_factory):
    return draw_clips(tmp_path_factory.mktemp('clips'), 5, num_frames=40)


def test_by_turns():
    """Every round begins with another part; what warms up does not count."""
    calls = []
    parts = {name: lambda name=name: calls.append(name) for name in 'abc'}
    times = by_turns(parts, repeats=3, warm_up=1)
    assert ''.join(calls) == 'cababcbcacab'
    assert {len(spent.clock) for spent in times.values()} == {3}
    assert str(Spread.of([1.0, 2.0, 4.0], 'ms')) == '2 ms (1.5 to 3)'


def test_bare_decoders_read_the_same(clips):
    decoders, missing = installed_decoders()
    assert {'decord', 'pyav'} <= set(decoders) and not set(decoders) & set(missing)
    indices = [3, 3, 17, 39]
    with VideoReader(clips[0]) as video:
        expected = video.frames(indices)
    for name, read in decoders.items():
        np.testing.assert_array_equal(read(clips[0], indices), expected, name)


def test_parts_of_inference(clips, tmp_path):
    """What is called computing gives what the whole gives."""
    bike = make_inferencer(TINY, tmp_path, 'cpu')
    parts = Parts(bike, str(clips[0]).rpartition('/')[0])
    assert parts.paths == [str(path) for path in clips] and len(parts.data) == 5
    frames = []
    parts.bare_reading(lambda path, indices: frames.append((path, indices)))
    with_frames = [(one.source, one.frames) for one in bike(clips[:5], ['a', 'b'])]
    assert [(path, list(dict.fromkeys(i))) for path, i in frames] == with_frames
    for part in (parts.reading, parts.computing, lambda: parts.whole(1)):
        part()


def test_command(clips, tmp_path):
    out = tmp_path / 'figures.json'
    printed = run_well(
        *(sys.executable, 'tools/benchmark.py', 'pipeline'),
        *('--video', clips[0], clips[1], '--repeats', '2', '--out', out),
    )
    content = json.loads(out.read_text())
    assert [row['name'] for row in content['figures']] == [
        f'{split} pipeline, 2 videos x 2' for split in ('train', 'test')
    ]
    for row in content['figures']:
        ratio, whole = row['ratio_to_bare_pyav'], row['a_video']
        assert whole['unit'] == 'ms' and 0 < ratio['low'] <= ratio['high']
        assert row['of_processor_time_there_to_pyav']['low'] > 0
        spread = Spread(**ratio)
        assert f'ratio to bare pyav: {spread}' in printed
    assert content['machine']['torch'] in printed


def test_head(tmp_path, monkeypatch):
    monkeypatch.setattr(  # not in a process of its own, which takes long to begin
        head, 'peaks', lambda few, device: [head._peak_of_process(*one) for one in few]
    )
    out = tmp_path / 'out.json'
    sizes = head.Sizes(videos=3, classes=4, words=5, frames=2, width=8)
    head.benchmark_head(sizes, Report('head', str(out)), repeats=1, device='cpu')
    forward, backward = json.loads(out.read_text())['figures']
    assert 'forward and backward' in backward['name']
    assert max(row['differ_by'] for row in (forward, backward)) < 1e-5
    assert all(row['ratio']['median'] > 0 for row in (forward, backward))


def test_startup(tmp_path):
    """Each part runs to its end; here those that begin soon."""
    out = tmp_path / 'out.json'
    parts = dict(help=PARTS['bike_help'], import_needed=('-c', 'pass'))
    parts.update(
        import_bike_mmaction=('-c', 'import os, sys; assert os.listdir(sys.argv[1])'),
        first_prediction=('-c', 'import sys; open(sys.argv[2])'),
    )
    for name in ('import_bike_mmaction', 'first_prediction'):
        parts[name] += PARTS['first_prediction'][2:]  # the places
    benchmark_startup(Report('startup', str(out)), repeats=1, parts=parts)
    (row,) = json.loads(out.read_text())['figures']
    assert row['help']['median'] > 0.01
    assert row['first_prediction_against_import_needed']['median'] > 0
    with pytest.raises(CalledProcessError):
        benchmark_startup(Report('startup'), 1, dict(bad=('-c', '1 / 0')))


def test_text(tmp_path):
    """The parts that are compared do the same work."""
    out = tmp_path / 'out.json'
    benchmark_text(TINY_ARCH, 2, 3, Report('small', str(out)), repeats=1)
    rows = json.loads(out.read_text())['figures']
    assert [row['scores_differ_by'] < 1e-5 for row in rows] == [True, True]


def test_efficiency_of_kept_embeddings(tmp_path, monkeypatch):
    """A step runs on them, without the image tower."""
    shapes, seen = [], efficiency.Subject.make_step

    def make_step(self):
        shapes.append({tuple(one.shape[1:]) for one in self.data['inputs']})
        return seen(self)

    monkeypatch.setattr(efficiency.Subject, 'make_step', make_step)
    monkeypatch.setattr(
        efficiency,
        'options_of_training',
        lambda compiled, original=efficiency.options_of_training: {
            name: options
            for name, options in original(compiled).items()
            if name in ('plain', 'frozen, kept embeddings')
        },
    )
    report = Report('efficiency', str(tmp_path / 'out.json'))
    config = load_tiny('bike_vitb32_k400', CLASSES)
    efficiency.benchmark_efficiency(
        config, report, 1, 2, 'fp32', 'cpu', compiled=False, parts=['train']
    )
    assert shapes == [{(3, 4, 32, 32)}, {(4, 64)}]
    rows = json.loads((tmp_path / 'out.json').read_text())['figures']
    assert rows[1]['ratio_to_plain']['median'] > 0


def test_efficiency(tmp_path, monkeypatch):
    """Each option is what its row says; one that does not run is told."""
    config = load_tiny('bike_vitb32_k400', CLASSES, arch=tiny_arch(patch_size=4))
    seen = []

    def subject(config, *args, **kwargs):
        options = {key: config.model.backbone.get(key) for key in LOW}
        seen.append({key: value for key, value in options.items() if value})
        if config.model.backbone.get('compile'):
            raise RuntimeError('there is no C++ compiler')
        return Subject(config, *args, **kwargs)

    monkeypatch.setattr(efficiency, 'Subject', subject)
    report = Report('efficiency', str(tmp_path / 'out.json'))
    efficiency.benchmark_efficiency(
        config, report, 1, 1, 'fp32', 'cpu', merged=(4,), parts=['test']
    )
    assert seen == [{}, {}, LOW, {}, LOW]
    rows = json.loads((tmp_path / 'out.json').read_text())['figures']
    told = {row['name']: row for row in rows if 'does_not_run_here' in row}
    assert len(told) == 2 and all('compile' in name for name in told)
    assert 'no C++ compiler' in told['test, compile']['does_not_run_here']
    ratios = {
        row['name']: row['ratio_to_plain'] for row in rows if row not in told.values()
    }
    assert ratios['test, plain']['median'] == 1.0
    merging, low = 'test, token_merging=4', "test, dtype='bfloat16'"
    assert set(ratios) == {'test, plain', merging, low}
