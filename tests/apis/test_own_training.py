"""From a data folder to a model that recognizes."""

import base64
import json
import sys

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from bike_mmaction.apis import BIKEInferencer, prepare_data
from bike_mmaction.apis.own_data.training import choose_way, keep_embeddings
from bike_mmaction.evaluation.lock import Lock
from bike_mmaction.recipes.tuning import tune
from bike_mmaction.report.data_folder import run_of_model
from bike_mmaction.report.measures import Mistake
from bike_mmaction.report.strips import make_strips
from bike_mmaction.visualization.video import write_video
from tests.kit.configs import load_config
from tests.kit.models import write_clip
from tests.kit.tools import run_python, run_well

COLORS = {
    'all red': (220, 30, 30),
    'all blue': (30, 30, 220),
    'all green': (30, 200, 30),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Clips that colors tell apart, and a CLIP of random weights."""
    root = tmp_path_factory.mktemp('own')
    for number, (name, color) in enumerate(COLORS.items()):
        for i in range(8):
            path = root / 'clips' / name / f'{number}_{i}.mp4'
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.RandomState(10 * number + i).randint(-25, 25, (64, 64, 3))
            image = np.clip(noise + color, 0, 255).astype(np.uint8)
            write_video(str(path), [image] * 12, 12)
    weights = write_clip(root / 'clip.pt', load_config('bike_demo').arch)
    prepare_data(
        str(root / 'clips'),
        str(root / 'mydata'),
        base='bike_demo',
        pretrained=weights,
        workers=1,
    )
    return root / 'mydata'


@pytest.mark.parametrize('way', ['frozen', 'lora', 'full'])
def test_a_model_that_recognizes(folder, way):
    earlier = run_of_model(str(folder))
    printed = run_well(
        sys.executable,
        'tools/train.py',
        folder,
        '--tune',
        way,
        '--epochs',
        6,
        '--samples',
        2,
        '--seed',
        0,
    )
    assert f'use it: bike infer VIDEO --config {folder}' in printed
    listings = ('System environment:', 'Config:', 'Hooks will be executed')
    (log,) = (folder / f'runs/{way}').glob('[0-9]*/[0-9]*.log')
    for words in listings:
        assert words not in printed and words in log.read_text()
    about = json.loads((folder / 'model/about.json').read_text())
    assert set(about['metrics']) == {'val', 'test'}
    assert f'runs/{way}/best_acc_top1' in about['checkpoint']
    cfg = Config.fromfile(str(folder / 'model/config.py'))
    assert 'lora' not in cfg.model.backbone
    bike = BIKEInferencer(str(folder))
    assert bike.classes == sorted(COLORS)
    (clip,) = bike(str(folder.parent / 'clips/all red/0_0.mp4'), threshold=0)
    trained = BIKEInferencer(cfg_of(folder, way), about['checkpoint'])
    (other,) = trained(str(folder.parent / 'clips/all red/0_0.mp4'), threshold=0)
    assert [name for name, _ in clip.predictions] == [n for n, _ in other.predictions]
    page = (folder / f'runs/{way}/report.html').read_text()
    for words in ('How the training went', 'fingerprint', about['checkpoint'][-20:]):
        assert words in page
    assert (f"no more of '{earlier}'" in printed) == (earlier not in ('', way))
    if way == 'frozen':
        assert about['metrics']['test']['acc/top1'] > 0.6


def test_embeddings_of_another_seed_are_made_anew(folder, tmp_path, capsys):
    for seed in (1, 1, 2):
        cfg = Config.fromfile(str(folder / 'config.py'))
        cfg.randomness = dict(seed=seed)
        tune(cfg, 'frozen')
        keep_embeddings(cfg, str(tmp_path), 1)
        assert ('is made anew' in capsys.readouterr().out) == (seed == 2)
    about = json.loads((tmp_path / 'embeddings/train/about.json').read_text())
    assert about['settings']['seed'] == 2 and about['complete']


def test_one_training_at_a_time(folder):
    lock = Lock(str(folder / 'runs/mine/lock'))
    lock.acquire()
    arguments = folder, '--tune', 'lora', '--work-dir', folder / 'runs/mine'
    done = run_python('tools/train.py', *arguments)
    assert done.returncode == 1 and "runs/mine' is in use by another" in done.stderr
    lock.release()


def cfg_of(folder, way):
    """What was trained, reading videos."""
    cfg = Config.fromfile(str(next((folder / 'runs' / way).glob('*.py'))))
    plain = Config.fromfile(str(folder / 'config.py'))
    cfg.test_dataloader = plain.test_dataloader
    cfg.test_pipeline = plain.test_dataloader.dataset.pipeline
    cfg.model.data_preprocessor = plain.model.data_preprocessor
    return cfg


def test_frames_of_mistakes(folder):
    """As the model sees them; a file that cannot be read costs itself alone."""
    (folder / 'broken.mp4').write_text('no video')
    files = ['../clips/all red/0_0.mp4', 'broken.mp4', 'gone.mp4']
    names = sorted(COLORS)
    strips = make_strips(
        BIKEInferencer(str(folder), workers=0),
        [Mistake(i, names.index('all red'), 0, 1.0, 2) for i in range(3)],
        [str(folder / file) for file in files],
        names,
    )
    seen, broken, gone = strips
    assert sum(frame.truth for frame in seen.frames) == pytest.approx(1, abs=1e-4)
    assert sum(frame.predicted for frame in seen.frames) == pytest.approx(1, abs=1e-4)
    seconds = [frame.second for frame in seen.frames]
    assert seconds == sorted(seconds) and 0.5 < seconds[-1] < 1
    jpeg = base64.b64decode(seen.frames[0].image.partition(',')[2])
    blue, green, red = cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1).mean((0, 1))
    assert red > 150 > 80 > max(blue, green)
    assert not broken.frames and 'broken.mp4' in broken.problem
    assert not gone.frames and gone.problem


def test_names_may_be_edited(folder):
    """And the threshold is that of the model's own classes alone."""
    model = folder / 'model'
    text = (model / 'config.py').read_text()
    (model / 'config.py').write_text(text + '\nthreshold = 1.0\n')
    names = (model / 'classes.txt').read_text()
    (model / 'classes.txt').write_text(names.replace('all red', 'everything is red'))
    bike = BIKEInferencer(str(folder))
    assert 'everything is red' in bike.classes
    clip = str(folder.parent / 'clips/all red/0_0.mp4')
    assert bike(clip)[0].label is None
    assert bike(clip, classes=['a dog', 'yoga'])[0].label is not None


@pytest.mark.parametrize(
    ('clips', 'memory', 'way'),
    [
        (5000, None, 'frozen'),
        (5000, 8, 'frozen'),
        (100, 80, 'lora'),
        (5000, 80, 'full'),
    ],
)
def test_the_way_that_fits(clips, memory, way):
    assert choose_way(clips, memory).way == way
