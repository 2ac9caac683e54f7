"""Steps and predictions by turns: who takes part, and what is counted."""

import json

import pytest
import torch

from bike_mmaction.benchmarks import models, steps
from bike_mmaction.benchmarks.counting import COUNTS
from bike_mmaction.benchmarks.measuring import Report, by_turns
from bike_mmaction.benchmarks.models import Subject
from bike_mmaction.benchmarks.ranks import benchmark_ranks
from bike_mmaction.benchmarks.steps import COMPILED, OURS, TOWER, benchmark_steps
from bike_mmaction.cli import benchmark, benchmark_arguments
from bike_mmaction.compat import torch_version
from bike_mmaction.models.clip import gpu_layers
from tests.kit.configs import load_tiny
from tests.kit.models import CLASSES

# torch 2.1 does not test in mixed precision on a CPU
PRECISION = 'bf16' if COUNTS else 'fp32'


def make_subject(videos=2):
    config = load_tiny('bike_vitb32_k400', CLASSES)
    return Subject(config, videos, precision=PRECISION, device='cpu')


def measure(tmp_path, subject, what, **options):
    """Rows of the report, by the names of those who took part."""
    out = tmp_path / f'{what}.json'
    benchmark_steps(subject, what, what, Report(what, str(out)), 1, **options)
    rows = json.loads(out.read_text())['figures']
    return {row['name'].partition(', ')[2]: row for row in rows}


def image_operations():
    """Of an image: patches, and the matrix products of two layers."""
    tokens, width, layers = 5, 128, 2
    products = layers * tokens * (12 * width**2 + 2 * tokens * width)
    return 2 * (4 * 3 * 16**2 * width + products + width * 64)


def test_training_and_test(tmp_path):
    """A step trains, and the operations are those of the shapes."""
    subject = make_subject()
    before = subject.model.backbone.visual.proj.clone()
    train = measure(tmp_path, subject, 'train')
    assert (subject.model.backbone.visual.proj != before).any()
    test = measure(tmp_path, subject, 'test')
    assert list(train) == list(test) == [OURS, TOWER]
    assert test[OURS]['ratio_to_the_bare_tower']['median'] > 0
    assert 'ratio_to_the_bare_tower' not in test[TOWER]
    if not COUNTS:
        assert 'TFLOPs_a_batch' not in test[OURS]
        return
    images = subject.num_frames * image_operations()
    assert test[TOWER]['TFLOPs_a_batch'] * 1e12 == pytest.approx(images)
    assert images < test[OURS]['TFLOPs_a_batch'] * 1e12 < 1.5 * images
    more = train[OURS]['TFLOPs_a_batch'] / test[OURS]['TFLOPs_a_batch']
    assert 2.5 < more < 3.1  # without the class texts, which are embedded once


def test_more_videos_than_classes():
    subject = make_subject(len(CLASSES) + 1)
    labels = [sample.gt_label.item() for sample in subject.data['data_samples']]
    assert labels == [*range(len(CLASSES)), 0]
    subject.predict()
    subject.make_step()()


@pytest.mark.skipif(torch_version() < (2, 5), reason='torch 2.5')
def test_operations_of_the_definition(monkeypatch):
    """They are counted also where fewer are computed."""
    subject = make_subject()
    whole = steps.enter(subject.predict, 0, subject.device, subject.model)
    assert whole.computed == whole.operations
    monkeypatch.setattr(gpu_layers, '_gains', lambda x: True)
    less = steps.enter(subject.predict, 0, subject.device, subject.model)
    assert less.operations == whole.operations
    tokens, width = 5, 128  # of all but the class token, all but keys and values
    left_out = 2 * (tokens - 1) * (10 * width**2 + 2 * tokens * width)
    assert whole.operations - less.computed == subject.num_frames * left_out
    like = steps.enter(subject.predict, 0, subject.device, like=less)
    assert like[1:3] == less[1:3]


@pytest.mark.skipif(not COUNTS, reason='torch 2.3')
def test_what_is_recomputed_is_not_of_the_definition():
    """Only what is computed has it twice; the model stays as it is."""
    subject = make_subject()
    step, tower = subject.make_step(), subject.model.backbone.visual
    plain = steps.enter(step, 0, subject.device, subject.model)
    tower.set_grad_checkpointing(True)
    again = steps.enter(step, 0, subject.device, subject.model)
    assert again.operations == plain.operations == plain.computed
    assert again.computed > 1.15 * plain.computed
    assert tower.transformer.grad_checkpointing


@pytest.mark.skipif(not hasattr(torch.nn.Module, 'compile'), reason='torch 2.2')
def test_compiled(tmp_path, monkeypatch):
    """The compiled tower runs in its own turns alone, with the same weights."""
    ran, wrong = [], []

    def backend(graph, inputs):
        return lambda *args: ran.append(len(turns)) or graph(*args)

    def compile_tower(tower, options):
        tower.compile(backend=backend)
        return [tower]

    def watched(parts, *args):
        def turn(name):
            turns.append(name)
            ran.clear()
            parts[name]()
            if (name == COMPILED) != bool(ran):
                wrong.append(name)

        return by_turns({name: lambda name=name: turn(name) for name in parts}, *args)

    turns = []
    monkeypatch.setattr(models, 'compile_tower', compile_tower)
    monkeypatch.setattr(steps, 'by_turns', watched)
    rows = measure(tmp_path, make_subject(), 'test', compiled=True)
    assert list(rows) == [OURS, COMPILED, TOWER] and len(turns) == 3 and not wrong
    assert rows[COMPILED].get('TFLOPs_a_batch') == rows[OURS].get('TFLOPs_a_batch')
    assert rows[COMPILED]['ratio_to_BIKE']['median'] > 0


def test_what_cannot_be_compiled_is_told(tmp_path, monkeypatch):
    def compile_tower(tower, options):
        raise RuntimeError('there is no C++ compiler')

    monkeypatch.setattr(models, 'compile_tower', compile_tower)
    rows = measure(tmp_path, make_subject(), 'test', compiled=True)
    assert list(rows) == [COMPILED, OURS, TOWER]
    assert rows[COMPILED]['does_not_run_here'] == 'there is no C++ compiler'


def test_time_limit():
    """Three rounds are made, and none begins after the limit."""
    assert len(by_turns(dict(a=int), 10, limit=0)['a'].clock) == 3
    assert len(by_turns(dict(a=int), 4, limit=60)['a'].clock) == 4


@pytest.mark.parametrize(
    'wrong, said',
    [
        (['train', '--config', 'a', 'b', '--batch-size', '1', '2', '3'], 'which are 2'),
        (['head', '--batch-size', '1', '2'], 'one value for head, got 2'),
    ],
)
def test_lists_that_fit_nothing_are_refused(wrong, said, monkeypatch, capsys):
    monkeypatch.setattr(benchmark_arguments, 'find_config', str)
    parser = benchmark_arguments.parser()
    with pytest.raises(SystemExit):
        benchmark_arguments.check(parser, parser.parse_args(wrong))
    assert said in capsys.readouterr().err


def test_configs_without_a_bare_tower_are_refused():
    """Before anything is built, or a process is started."""
    for name, reason in (
        ('bike_vitb32_plugplay_k400', 'with an attributes_head'),
        ('vcs_resnet50_k400', 'Recognizer2D with ResNet'),
    ):
        config = load_tiny(name, CLASSES)
        with pytest.raises(ValueError, match=f'--config: cannot measure a .*{reason}'):
            Subject(config, videos=1, device='cpu')
        with pytest.raises(ValueError, match='--config: cannot measure a '):
            benchmark_ranks(config, [1], Report('ranks'), 1, videos=1)


def test_devices_that_are_not_there_are_named():
    parser = benchmark_arguments.parser()
    for what in ('train', 'head', 'scaling', 'pipeline'):
        args = parser.parse_args([what, '--device', 'foo', '--repeats', '1'])
        benchmark_arguments.check(parser, args)
        with pytest.raises(ValueError, match="device='foo' cannot be used"):
            benchmark.run(args)
