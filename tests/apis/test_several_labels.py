"""Clips with several labels: from a table to a model that names all of them."""

import csv
import itertools
import json
import sys

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from bike_mmaction.apis import (
    BIKEInferencer,
    convert_labels,
    describe,
    export,
    label_videos,
    prepare_data,
)
from bike_mmaction.datasets.tables import read_table
from bike_mmaction.recipes import use_own_data
from bike_mmaction.recipes.tuning import tune
from bike_mmaction.visualization.video import write_video
from bike_mmaction.web.text import summarize
from tests.kit.configs import load_config
from tests.kit.models import CLASSES, attributes_branch, video_branch, write_clip
from tests.kit.tools import run_well

COLORS = {
    'all red': (220, 30, 30),
    'all blue': (30, 30, 220),
    'all green': (30, 200, 30),
    'all yellow': (220, 210, 40),
}
SIGMOID = dict(type='SigmoidLoss')


def write_halves(path, names, seed):
    """One color after the other, in noise."""
    random = np.random.RandomState(seed)
    images = []
    for name in names:
        noise = random.randint(-25, 25, (64, 64, 3))
        image = np.clip(noise + COLORS[name], 0, 255).astype(np.uint8)
        images += [image] * (16 // len(names))
    write_video(str(path), images, 16)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """50 clips: five of each pair of colors, and of each color alone."""
    root = tmp_path_factory.mktemp('several')
    (root / 'clips').mkdir()
    sets = [*itertools.combinations(COLORS, 2), *((name,) for name in COLORS)]
    rows = [['path', 'label', 'split']]
    for number, (names, i) in enumerate(itertools.product(sets, range(5))):
        file = f'{number:02}.mp4'
        write_halves(root / 'clips' / file, names[:: (-1) ** i], number)
        rows.append(
            [file, ';'.join(names), ('train', 'train', 'train', 'val', 'test')[i]]
        )
    with open(root / 'clips/labels.csv', 'w', newline='') as file:
        csv.writer(file).writerows(rows)
    prepare_data(
        str(root / 'clips/labels.csv'),
        str(root / 'mydata'),
        base='bike_demo',
        pretrained=write_clip(root / 'clip.pt', load_config('bike_demo').arch),
        workers=1,
    )
    return root / 'mydata'


def train(folder, way, epochs):
    options = ['--tune', way, '--epochs', epochs, '--seed', 0]
    options += ['--samples', 2] if way == 'frozen' else []
    printed = run_well(sys.executable, 'tools/train.py', folder, *options)
    about = json.loads((folder / 'model/about.json').read_text())
    return printed, about


@pytest.fixture(scope='module')
def trained(folder):
    """What `bike train` prints, and what it writes of the model."""
    return train(folder, 'frozen', 20)


@pytest.fixture(scope='module')
def bike(folder, trained):
    return BIKEInferencer(str(folder))


def clips_of(folder, part, classes):
    """Files of a part, with their labels."""
    for line in (folder / f'{part}.txt').read_text().splitlines():
        file, *numbers = line.split()
        yield str(folder.parent / 'clips' / file), {classes[int(n)] for n in numbers}


def test_a_model_that_names_several(folder, trained, bike):
    """Chance is the share of the videos that have a class: 16 of 40."""
    printed, about = trained
    assert 'each class has its own, and is named from' in printed
    assert about['metrics']['test']['acc/mAP'] > 0.8
    page = (folder / 'runs/frozen/report.html').read_text()
    for words in ('mean average precision', 'by chance', 'F1', 'Worst mistakes'):
        assert words in page
    pairs = list(clips_of(folder, 'test', bike.classes))
    results = bike([file for file, _ in pairs])
    right = [set(r.labels) == truth for r, (_, truth) in zip(results, pairs)]
    assert sum(right) >= 7, [describe(result) for result in results]
    two = results[right.index(True)]
    assert len(two.labels) == 2 and sum(two.confidences.values()) > 1.2
    assert two.label == two.labels[0] and two.to_dict()['labels'] == two.labels
    assert f': {two.named} (each by itself: ' in describe(two)
    assert f'## {two.named}\n\nEach class is judged by itself' in summarize([two])


def test_none_of_these_and_more_than_are_asked_for(folder, bike):
    file, truth = next(clips_of(folder, 'test', bike.classes))
    (none,), (all_of_them,) = bike(file, threshold=1), bike(file, topk=1, threshold=0)
    assert none.labels == [] and none.label is None
    assert ': none of these (' in describe(none) and len(none.predictions) == 4
    assert len(all_of_them.labels) == len(all_of_them.predictions) == 4
    # Of other classes nobody has chosen a threshold.
    fitted = bike.threshold_for(None, None)
    assert fitted != bike.threshold_for(['a dog', 'yoga'], None) == 0.5


def test_the_trained_weights_say_the_same_before_calibration(folder, trained, bike):
    """Calibration changes no order; and the folder's model reads its videos."""
    _, about = trained
    cfg = Config.fromfile(str(folder / 'model/config.py'))
    plain = BIKEInferencer(cfg, about['checkpoint'])
    files = [file for file, _ in clips_of(folder, 'test', bike.classes)]
    for one, other in zip(plain(files, threshold=0), bike(files, threshold=0)):
        assert one.labels == other.labels
        logits = np.array([np.log(p / (1 - p)) for _, p in one.predictions])
        cosines = (logits - float(plain.head.bias)) / float(
            plain.head.logit_scale.exp()
        )
        fitted = about['calibration']
        expected = 1 / (1 + np.exp(-fitted['scale'] * cosines - fitted['bias']))
        assert [p for _, p in other.predictions] == pytest.approx(expected, abs=1e-4)


def test_results_in_other_formats(folder, bike, tmp_path):
    pairs = list(clips_of(folder, 'test', bike.classes))
    out = tmp_path / 'labels.csv'
    label_videos(bike, [file for file, _ in pairs], str(out), batch_size=4)
    named = {r.source: r.labels for r in bike([file for file, _ in pairs])}
    convert_labels(str(out), str(tmp_path / 'tasks.json'), 'label-studio')
    for task in json.loads((tmp_path / 'tasks.json').read_text()):
        regions = task['predictions'][0]['result']  # none if no label holds
        choices = [name for region in regions for name in region['value']['choices']]
        assert choices == named[task['data']['video']] and len(regions) <= 1
    assert any(named.values())
    assert 'choice="multiple"' in (tmp_path / 'tasks.xml').read_text()
    convert_labels(str(out), str(tmp_path / 'one.json'), 'fiftyone')
    content = json.loads((tmp_path / 'one.json').read_text())['labels']
    spans = {path: [one['label'] for one in spans] for path, spans in content.items()}
    assert {path: names for path, names in spans.items() if names} == {
        path: names for path, names in named.items() if names
    }
    convert_labels(str(out), str(tmp_path / 'next.csv'), uncertain=1)
    (row,) = read_table(str(tmp_path / 'next.csv'))
    doubt = [
        min(abs(2 * p - 1) for p in r.confidences.values())
        for r in bike([file for file, _ in pairs])
    ]
    assert float(row['margin']) == pytest.approx(min(doubt), abs=1e-4)


def test_exported_confidences(folder, bike):
    branch, metadata = export.video_branch(bike.model)
    assert 'confidences [B, K]: each class by itself' in metadata['outputs']
    frames = branch.random_frames(2)
    with torch.no_grad():
        outputs = branch(frames)
    expected = torch.sigmoid(
        bike.head.logit_scale.exp() * outputs['scores'] + bike.head.bias
    )
    torch.testing.assert_close(outputs['confidences'], expected)
    same = branch.recognize(frames)['confidences']
    torch.testing.assert_close(outputs['confidences'], same, atol=1e-5, rtol=0)


@pytest.mark.parametrize('way', ['lora', 'full'])
def test_other_ways_to_tune(folder, bike, way):
    """After the model of the other tests was read."""
    printed, about = train(folder, way, 1)
    assert 'each class has its own, and is named from' in printed
    assert f'runs/{way}/best_acc_mAP' in about['checkpoint']


def test_weights_without_bias_may_be_trained_further():
    """A model of one label each has none, and the first batch sets it."""
    one = MODELS.build(video_branch(CLASSES))
    several = MODELS.build(video_branch(CLASSES, dict(loss_cls=SIGMOID)))
    several.load_state_dict(one.state_dict(), strict=False)
    with pytest.raises(RuntimeError, match='cls_head.loss_cls.bias'):
        one.load_state_dict(several.state_dict(), strict=False)


def test_attributes_compete_for_one_label():
    branch = attributes_branch(CLASSES)['attributes_head']
    config = video_branch(CLASSES, dict(loss_cls=SIGMOID), attributes_head=branch)
    with pytest.raises(ValueError, match='cls_head.loss_cls is a SigmoidLoss'):
        MODELS.build(config)


def test_another_loss_is_refused_before_the_work(folder):
    cfg = Config.fromfile(str(folder / 'config.py'))
    assert cfg.model.cls_head.loss_cls.type == 'SigmoidLoss'
    cfg.model.cls_head.loss_cls.type = 'ContrastiveLoss'
    with pytest.raises(ValueError, match='several labels, but ContrastiveLoss takes'):
        tune(cfg, 'frozen')


def test_other_heads_keep_their_loss(folder):
    """Those of MMAction2 know nothing of a bias."""
    cfg = load_config('clip_vitb32_tsn_k400')
    before = cfg.model.cls_head.to_dict()
    use_own_data(cfg, str(folder), multi_label=True)
    after = dict(cfg.model.cls_head.to_dict(), num_classes=before['num_classes'])
    assert after == before
    assert cfg.train_dataloader.dataset.multi_class
