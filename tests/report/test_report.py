"""The page about a test: its numbers, its advice, and that it is safe."""

import json
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from bike_mmaction.evaluation.dump_files import write_dump
from bike_mmaction.report.content import Labelling
from bike_mmaction.report.curves import read_curves
from bike_mmaction.report.data_folder import (
    data_folder_of,
    files_of_run,
    run_of_model,
    runs_of,
)
from bike_mmaction.report.making import Inputs, gather, write_report
from bike_mmaction.report.measures import (
    average_precisions,
    class_rows,
    confused_pairs,
    confusion_matrix,
    label_rows,
    mixed_up,
    wilson,
    worst_labels,
    worst_mistakes,
)
from bike_mmaction.report.page import render
from tests.kit.tools import refusal

NAMES = ['cat', 'dog', 'a <b>bold</b> & "new" name']


def sample(file, scores, label):
    return dict(
        filename=file,
        pred_score=torch.tensor(scores, dtype=torch.float64),
        gt_label=torch.as_tensor(label).reshape(-1),
    )


def test_wilson_is_that_of_the_literature():
    # Brown, Cai, DasGupta 2001, and by hand for the ends.
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0, 1)
    # For two at once z is 2.2414: 0.0125 of the normal distribution are above it.
    expected = 2.2414**2 / (10 + 2.2414**2)
    assert wilson(0, 10, 2).high == pytest.approx(expected, abs=1e-4)


def test_numbers_of_a_test():
    scores = np.array([[3, 1, 0], [2, 5, 1], [4, 5, 2], [0, 9, 1], [1, 0, 2.0]])
    labels = np.array([0, 0, 0, 2, 2])
    matrix = confusion_matrix(scores, labels)
    assert matrix.tolist() == [[1, 2, 0], [0, 0, 0], [0, 1, 1]]
    rows = class_rows(matrix)
    assert [row.number for row in rows] == [0, 2, 1], 'least first, untested last'
    assert [row.predicted for row in rows] == [1, 1, 3]
    assert confused_pairs(matrix, 1) == [(0, 1, 2)]
    worst = worst_mistakes(scores, labels, 9)
    assert [tuple(m) for m in worst] == [
        (3, 2, 1, 8.0, 2),
        (1, 0, 1, 3.0, 2),
        (2, 0, 1, 1.0, 2),
    ]


def test_several_labels():
    scores = np.array([[0.9, 0.8, 0.1], [0.2, 0.7, 0.3], [0.6, 0.1, 0.2]])
    truth = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]], bool)
    first, second, third = average_precisions(scores, truth)
    assert (first, second) == pytest.approx((1.0, 0.5))
    assert np.isnan(third)
    assert not worst_mistakes(scores, truth, 9), 'none is wrong where none is right'


def test_curves_of_a_resumed_training(tmp_path):
    def log(name, rows):
        path = tmp_path / name / 'vis_data' / 'scalars.json'
        path.parent.mkdir(parents=True)
        path.write_text('\n'.join(map(json.dumps, rows)))

    def train(step, epoch, loss):
        return dict(loss=loss, top1_acc=1.0, epoch=epoch, iter=step, step=step)

    val = [{'acc/top1': 0.5, 'step': 1}, {'acc/top1': 0.25, 'step': 2}]
    log('1', [train(10, 1, 3.0), val[0], train(20, 2, 9.0)])
    log('2', [train(20, 2, 2.0), val[1]])
    curves = read_curves(str(tmp_path))
    assert curves.loss == [(1, 3.0), (2, 2.0)]
    assert curves.validation == [(1, 0.5), (2, 0.25)]
    assert curves.gap() == 0.5


class Page(HTMLParser):
    """Tags, and all text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_page_escapes_and_loads_nothing(tmp_path):
    evil = '/videos/<script>alert(1)</script>/x"onload="y\udcff.mp4'
    samples = [sample(evil, [0.9, 0.1, 0.0], 2)]
    samples += [sample(f'/videos/cat/{i}.mp4', [0.8, 0.1, 0.1], 0) for i in range(30)]
    samples += [sample(f'/videos/dog/{i}.mp4', [0.8, 0.1, 0.1], 1) for i in range(20)]
    write_dump(str(tmp_path / 's.npz'), samples)
    (tmp_path / 'classes.txt').write_text('\n'.join(NAMES))
    (tmp_path / 'train.txt').write_text('a 1.mp4\t0\n' * 40 + 'b.mp4 1\n' * 30 + 'c 2')
    with open(tmp_path / 'train.txt', 'ab') as file:
        file.write(b'\nno\xffutf8.mp4 1')
    out = tmp_path / 'sub' / 'report.html'
    inputs = Inputs(
        str(tmp_path / 's.npz'),
        str(tmp_path / 'classes.txt'),
        train_list=str(tmp_path / 'train.txt'),
        title='<i>x</i>',
    )
    write_report(inputs, str(out))
    html = out.read_text()
    page = Page(html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {'script', 'b"', 'i"', 'link', 'iframe', 'img'}
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith('on')]
    assert not re.search(r'https?://|url\(|@import', html)
    words = ' '.join(page.words)
    assert '58.8 %' in words and NAMES[2] in words and '<i>x</i>' in words
    # What to do: the class with one clip, the class that is never recognized, and
    # the pair.
    assert f'{NAMES[2]} (has 1)' in words
    assert 'dog (0 of 20 right, 31 clips to train)' in words
    assert 'dog → cat (20 of 20)' in words


def test_page_of_several_labels(tmp_path):
    samples = [
        sample('a.mp4', [0.9, 0.2, 0.1], [0, 1, 0]),
        sample('b.mp4', [0.1, 0.8, 0.3], [0, 1, 1]),
    ]
    write_dump(str(tmp_path / 's.pkl'), samples)
    content = gather(Inputs(str(tmp_path / 's.pkl')))
    assert [(m.video, m.truth, m.predicted) for m in content.mistakes] == [(0, 1, 0)]
    words = ' '.join(Page(render(content)).words)
    assert 'mean average precision' in words and 'taken for' not in words


def test_labels_at_a_threshold(tmp_path):
    """Two named right, one wrong, one missed, and nothing where nothing is."""
    confidences = np.array([[0.9, 0.7, 0.2], [0.1, 0.8, 0.1], [0.3, 0.1, 0.2]])
    truth = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]], bool)
    labelling = Labelling(confidences, 0.5)
    assert [tuple(m) for m in worst_labels(confidences, truth, 0.5, 9)] == [
        (0, 2, 1, 0.8, 1)  # missed with 0.2, which lacks more than 0.7 is
    ]
    assert worst_labels(confidences, ~truth, 0.5, 1)[0][:4] == (0, None, 0, 0.9)
    assert mixed_up(labelling.named, truth, 9) == [(2, 1, 1)]
    rows = label_rows(confidences, truth, labelling.named)
    assert {row.number: row.labels[0] for row in rows} == {
        0: 1,
        1: pytest.approx(2 / 3),
        2: 0,
    }
    samples = [sample(f'{i}.mp4', confidences[i], truth[i] * 1) for i in range(3)]
    write_dump(str(tmp_path / 's.pkl'), samples)
    content = gather(Inputs(str(tmp_path / 's.pkl')))
    content = content._replace(
        labelling=labelling, mistakes=worst_labels(confidences, truth, 0.5, 9)
    )
    words = ' '.join(Page(render(content)).words)
    for expected in (
        '33.3 % by chance',
        '66.7 % F1 of labels from 50 % on',
        '66.7 % of videos have all labels right',
        'class 2 20.0 %  missed,  class 1 70.0 %  wrong',
        'has: class 0, class 2; named: class 0, class 1',
    ):
        assert expected in words, words


def test_bad_input_is_one_line(tmp_path):
    dump = str(tmp_path / 's.npz')
    write_dump(dump, [sample('a.mp4', [0.9, 0.1], 0)])
    files = dict(
        nodump='no dump',
        two='a\nb\nc',
        results='{"list": {}}',
        other=json.dumps(
            dict(
                list=dict(file='l', videos=9, fingerprint='f'),
                videos=dict(evaluated=9),
                model={},
            )
        ),
        scalars='{"loss": 1, "step": "x"}',
        train='a.mp4 7',
    )
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    path = {name: str(tmp_path / name) for name in files}
    cases = [
        ([str(tmp_path / 'gone')], "gone' does not exist: name a file"),
        ([str(tmp_path)], 'has no scores of a test'),
        ([path['nodump']], "nodump' is"),
        ([dump, '--classes', path['two']], 'scores of 2 classes'),
        ([dump, '--results', path['results']], 'is no results.json of a test'),
        ([dump, '--results', path['other']], '9 videos were evaluated'),
        ([dump, '--log', path['scalars']], "scalars' line 1 is none of"),
        ([dump, '--log', str(tmp_path)], 'neither a scalars.json nor the folder'),
        ([dump, '--train-list', path['train']], "train' line 1: expected a path"),
        ([dump, '--out', 'x.pdf'], 'must end with .html'),
        ([dump, '--checkpoint', 'x.pth'], '--checkpoint needs --config'),
    ]
    faults = []
    for arguments, words in cases:
        out = [] if '--out' in arguments else ['--out', str(tmp_path / 'r.html')]
        printed = refusal('report', *arguments, *out)
        if words not in printed or 'Traceback' in printed:
            faults.append((arguments, printed[-400:]))
    assert not faults, faults
    assert not (tmp_path / 'r.html').exists()


def test_which_training_of_a_data_folder(tmp_path, monkeypatch):
    """The newest, unless a run is named; frames are of its own model alone."""
    for age, name in enumerate(('full', 'frozen', 'lora')):
        scores = tmp_path / 'runs' / name / f'{"test" if age else "val"}_scores.npz'
        scores.parent.mkdir(parents=True)
        scores.touch()
        os.utime(scores, (1000 - age, 1000 - age))
    names = [os.path.basename(run) for run in runs_of(str(tmp_path))]
    assert names == ['full', 'frozen', 'lora']
    monkeypatch.chdir(tmp_path / 'runs')
    assert runs_of('lora/') == ['lora/'] and data_folder_of('lora/') == str(tmp_path)
    assert files_of_run(str(tmp_path), 'lora/').out == 'lora/report.html'
    assert run_of_model(str(tmp_path)) == ''
    (tmp_path / 'model').mkdir()
    about = dict(checkpoint='/before/it/moved/runs/frozen/best.pth')
    (tmp_path / 'model/about.json').write_text(json.dumps(about))
    assert run_of_model(str(tmp_path)) == 'frozen'
    with pytest.raises(FileNotFoundError, match='has no scores of a test'):
        runs_of(str(tmp_path / 'model'))
