"""MMAction2's own tools, as its wheel ships them, on an installed package.

They run away from the source, on H.264 files, and know nothing of this
project but the path of a config.
"""

import glob
import os.path as osp
import queue
import re
from concurrent.futures import ThreadPoolExecutor

import cv2
import mmaction
import mmengine
import numpy as np
import pytest
import torch
from mmaction.apis import init_recognizer
from mmengine import load
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate

from tests.cli.mmaction_commands import API, COMMANDS, assert_same_colors, layer, values
from tests.kit.configs import shrink
from tests.kit.forker import Forker
from tests.kit.lists import write_dataset
from tests.kit.tools import free_port, printed_by
from tests.kit.videos import rate_of, read_video

pytestmark = pytest.mark.slow

TOOLS = osp.join(osp.dirname(mmaction.__file__), '.mim', 'tools')
COUNT, CLASSES = 5, ['run', 'swim', 'dance', 'jump', 'play chess']
LABELS = [i * 7 % len(CLASSES) for i in range(COUNT)]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """A video of each class, and a list with one that does not exist."""
    root = write_dataset(
        tmp_path_factory.mktemp('videos'), COUNT, num_classes=len(CLASSES)
    )
    with open(f'{root}/kinetics400_val_list_videos.txt') as file:
        lines = file.read()
    with open(f'{root}/more.txt', 'w') as file:
        file.write(f'{lines}absent.mp4 0\n')
    return root


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Where the tools run."""
    return tmp_path_factory.mktemp('tools')


@pytest.fixture(scope='module')
def config(site, root, folder):
    """Path of a shipped config, made small, with what users add to it."""
    cfg = Config.fromfile(str(site / 'bike_mmaction/.mim/configs/bike_vitb32_k400.py'))
    shrink(cfg, root, folder / 'train')
    cfg.model.cls_head.update(
        num_classes=len(CLASSES), class_names=CLASSES, average_clips='score'
    )  # not nearly equal
    cfg.optim_wrapper.optimizer.lr = 1e-2
    cfg.visualizer.vis_backends = [
        dict(type='LocalVisBackend'),
        dict(type='TensorboardVisBackend'),
    ]
    cfg.dump(folder / 'small.py')
    return str(folder / 'small.py')


@pytest.fixture(scope='module')
def checkpoint(away, folder, config):
    """Trained by MMAction2, in two processes."""
    away('env', f'PORT={free_port()}', 'bash', f'{TOOLS}/dist_train.sh', config, 2)
    return str(folder / 'train/epoch_1.pth')


@pytest.fixture(scope='module')
def dump(away, folder, config, checkpoint):
    """Path of the scores that MMAction2 dumps, from two processes."""
    test = ['bash', f'{TOOLS}/dist_test.sh', config, checkpoint, 2]
    test += ['--work-dir', folder / 'test', '--dump', folder / 'scores.pkl']
    away('env', f'PORT={free_port()}', *test)
    return str(folder / 'scores.pkl')


@pytest.fixture(scope='module')
def other_dump(folder, dump):
    """Scores of the same videos by another model."""
    samples, rng = load(dump), np.random.RandomState(0)
    for sample in samples:
        sample['pred_score'] = torch.tensor(rng.uniform(-1, 1, len(CLASSES)))
    path = folder / 'others.pkl'
    mmengine.dump(samples, path)
    return str(path)


@pytest.fixture(scope='module')
def result(elsewhere, site, folder, root, config, checkpoint, dump, other_dump):
    """What the command of this name has printed; two run at a time.

    Only MMAction2 is imported before they start, as they would do it.
    """
    values = dict(
        mmaction=TOOLS,
        own=site / 'bike_mmaction/.mim/tools/mmaction_tool.py',
        config=config,
        checkpoint=checkpoint,
        dump=dump,
        other_dump=other_dump,
        root=root,
    )
    commands = {name: text.format(**values).split() for name, text in COMMANDS.items()}
    commands['api'] = ['-c', API, site, config, checkpoint, root]
    modules = ['mmaction.apis', 'mmaction.datasets', 'mmaction.engine']
    free = queue.SimpleQueue()
    for _ in range(2):
        free.put(Forker(modules, elsewhere, folder))

    def run(argv):
        forker = free.get()
        try:
            return printed_by(forker.run(argv, folder, elsewhere))
        finally:
            free.put(forker)

    with ThreadPoolExecutor(2) as pool:
        running = {name: pool.submit(run, args) for name, args in commands.items()}
        yield lambda name: running[name].result()


@pytest.fixture(scope='module')
def model(config, checkpoint):
    """The trained recognizer, in this process."""
    return init_recognizer(config, checkpoint, device='cpu')


@pytest.fixture(scope='module')
def batch(model, root):
    """The validation videos as the model's inputs [B, V, 3, T, H, W]."""
    pipeline = Compose(model.cfg.test_pipeline)
    samples = [
        pipeline(
            dict(
                filename=f'{root}/videos_val/v{i}.mp4',
                label=label,
                start_index=0,
                modality='RGB',
            )
        )
        for i, label in enumerate(LABELS)
    ]
    return model.data_preprocessor(pseudo_collate(samples), training=False)


@pytest.fixture(scope='module')
def scores(model, batch):
    """Class scores of the validation videos [B, K]."""
    with torch.no_grad():
        output = model(**batch, mode='tensor', stage='head')
    return (output[0] if isinstance(output, tuple) else output).double()


def test_training_writes_its_losses_twice(checkpoint):
    """For the local visualizer and for TensorBoard."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (logs,) = glob.glob(f'{osp.dirname(checkpoint)}/*/vis_data')
    events = EventAccumulator(logs).Reload()
    for name, count in (('loss', 1), ('lr', 1), ('acc/top1', 1)):
        expected = values(f'{logs}/scalars.json', name)
        # 5 videos, 3 for each process, 2 a batch: what is left is dropped
        assert len(expected) == count
        logged = [event.value for event in events.Scalars(name)]
        assert logged == pytest.approx(expected)
    assert min(values(f'{logs}/scalars.json', 'loss')) > 0


def test_dump_holds_the_scores(result, folder, dump, scores):
    result('show')
    for path in (dump, str(folder / 'show.pkl')):  # two processes, and one
        samples = load(path)
        assert [int(sample['gt_label']) for sample in samples] == LABELS
        dumped = torch.stack([sample['pred_score'] for sample in samples])
        torch.testing.assert_close(dumped.double(), scores, rtol=1e-4, atol=1e-5)
    assert scores.std(0).min() > 1e-3  # the videos differ


def test_python_api_recognizes(result, folder, scores):
    result('api')
    answers = load(str(folder / 'api.json'))
    inferred = [p['rec_scores'][0] for p in answers['inferencer']]
    for values_ in (answers['scores'], inferred):
        torch.testing.assert_close(
            torch.tensor(values_, dtype=torch.float64), scores, rtol=1e-4, atol=1e-5
        )
    labels = [p['rec_labels'][0] for p in answers['inferencer']]
    assert labels == scores.argmax(-1, keepdim=True).tolist()


def test_inferencer_draws_all_videos(result, folder, root):
    result('api')
    for i in range(COUNT):
        path = folder / f'drawn/v{i}.mp4'
        drawn, frames = map(read_video, (path, f'{root}/videos_val/v{i}.mp4'))
        assert len(drawn) == len(frames) and rate_of(path) == 10
        images = [video[20].astype(int) for video in (drawn, frames)]
        assert np.abs(images[0] - images[1])[:8].mean() > 60  # text
        assert_same_colors(*(image[24:] for image in images))


def test_pictures_of_a_test(result, folder, batch):
    result('show')
    mean, std = (
        torch.tensor(x).view(3, 1, 1, 1)
        for x in ((122.771, 116.746, 104.094), (68.501, 66.632, 70.323))
    )
    clips = batch['inputs'][:, 0].cpu() * std + mean  # [B, 3, T, H, W]
    for i, clip in enumerate(clips):
        for t, frame in enumerate(clip.transpose(0, 1)):
            drawn = cv2.imread(str(folder / f'show/v{i}.mp4_0/frames_0' / f'{t}.png'))[
                ..., ::-1
            ]
            original = frame.permute(1, 2, 0).numpy()
            assert_same_colors(drawn[60:], original[60:])
            assert np.abs(drawn - original)[:60].mean() > 10


def test_confusion_matrix(result, folder, scores):
    result('confusion')
    expected = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.int64)
    for label, predicted in zip(LABELS, scores.argmax(-1)):
        expected[label, predicted] += 1
    assert torch.equal(load(str(folder / 'confusion.pkl')), expected)


def test_accuracy_of_fused_scores(result, dump, other_dump):
    fused = sum(
        weight * np.stack([s['pred_score'] for s in load(path)])
        for path, weight in ((dump, 0.6), (other_dump, 0.4))
    )
    expected = np.mean(fused.argmax(-1) == LABELS)
    assert f'Top 1 Accuracy: {expected:.4f}' in result('report')


def test_metrics_of_a_dump(result, other_dump):
    predicted = [int(s['pred_score'].argmax()) for s in load(other_dump)]
    expected = np.mean(np.array(predicted) == LABELS)
    (accuracy,) = re.findall(
        r"'acc/top1': (?:np\.float64\()?([\d.]+)", result('metric')
    )
    assert float(accuracy) == pytest.approx(expected)


def test_features_are_the_frame_embeddings(result, folder, model, batch):
    result('features')
    with torch.no_grad():
        expected = model.extract_feat(batch['inputs'], stage='neck')[0]
    expected = expected.mean(1)  # [B, T, D] → [B, D]
    features = [
        torch.as_tensor(load(str(folder / f'features/v{i}.mp4.pkl')))
        for i in range(COUNT)
    ]
    torch.testing.assert_close(torch.stack(features), expected, rtol=1e-4, atol=1e-5)


def test_published_checkpoint(result, folder, checkpoint, config, model):
    result('publish')
    (path,) = glob.glob(str(folder / 'published_*.pth'))
    published = torch.load(path, weights_only=False)
    assert not {'message_hub', 'optimizer', 'param_schedulers'} & set(published)
    loaded = init_recognizer(config, path, device='cpu').state_dict()
    assert loaded.keys() == model.state_dict().keys()
    assert all(torch.equal(loaded[k], v) for k, v in model.state_dict().items())


def test_missing_video_is_found(result, folder):
    assert 'Checked 6 videos, 1 are corrupted/missing' in result('check')
    with open(folder / 'invalid-video.txt') as file:
        assert osp.basename(file.read().strip()) == 'absent.mp4'


def test_data_set_is_shown(result, folder):
    result('browse')
    assert len(glob.glob(str(folder / 'browse/*'))) == 2
    for i in range(2):
        video = read_video(folder / f'browse/video_{i}.mp4')
        assert video.shape == (8, 224, 224, 3)


def test_flops_and_parameters(result, model):
    norms = 5  # operations for each value, of three norms per tower
    tokens, width, frames = 5, 64, 8
    image = (
        4 * width * 3 * 112**2
        + layer(tokens, width)
        + width**2
        + 4 * norms * tokens * width
    )
    temporal = layer(frames, width) + 2 * norms * frames * width
    flops, params = re.findall(r'(?:Flops|Params): ([\d.]+)M', result('flops'))
    assert float(flops) == pytest.approx((frames * image + temporal) / 1e6, abs=1e-3)
    assert float(params) == pytest.approx(
        sum(p.numel() for p in model.parameters()) / 1e6, abs=1e-3
    )
