"""One's own videos: files, folders, arrays, windows."""
import json
import os.path as osp

import decord
import numpy as np
import pytest
import torch
from helpers import TINY_ARCH, run_tool, shrink_model, write_video
from mmaction.registry import MODELS
from mmengine.config import Config
from official import write_frames

from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.apis.inferencer import describe
from bike_mmaction.apis.sources import Source, find_sources, windows_of

ROOT = osp.join(osp.dirname(osp.abspath(__file__)), '..')
CLASSES = ['a dog', 'playing chess', 'yoga']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('inferencer')


@pytest.fixture(scope='module')
def bike(folder):
    from mmaction.utils import register_all_modules
    register_all_modules()
    cfg = Config.fromfile(osp.join(ROOT, 'configs/bike_vitb32_k400.py'))
    shrink_model(cfg.model)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    cfg.dump(folder / 'small.py')
    return BIKEInferencer(
        str(folder / 'small.py'), str(folder / 'model.pth'), device='cpu')


@pytest.fixture(scope='module')
def videos(folder):
    """Ten files, the fourth of them broken."""
    paths = [
        write_video(folder / f'videos/v{i}.mp4', seed=i, num_frames=50)
        for i in range(10)
    ]
    with open(paths[3], 'rb+') as file:
        file.truncate(osp.getsize(paths[3]) // 2)
    return paths


def test_nine_results_and_one_named_failure(bike, videos):
    found = bike(videos, CLASSES)
    assert [r.source for r in found] == videos
    assert [r.error is not None for r in found] == [i == 3 for i in range(10)]
    assert 'v3.mp4' in found[3].error and not found[3].predictions
    for recognition in found[:3] + found[4:]:
        values = [value for _, value in recognition.predictions]
        assert values == sorted(values, reverse=True)
        assert sum(values) == pytest.approx(1, abs=1e-5)
        assert recognition.label == recognition.predictions[0][0]
        assert set(recognition.saliency) == set(CLASSES)
        assert recognition.frames == [0, 6, 12, 18, 25, 31, 37, 43]
        for shares in recognition.saliency.values():
            assert len(shares) == 8 and sum(shares) == pytest.approx(1)
    json.dumps([r.to_dict() for r in found])


def test_batches_change_nothing(bike, videos):
    one, four = (bike(videos[:3], CLASSES, batch_size=size) for size in (1, 4))
    for a, b in zip(one, four):
        assert [n for n, _ in a.predictions] == [n for n, _ in b.predictions]
        np.testing.assert_allclose([v for _, v in a.predictions],
                                   [v for _, v in b.predictions],
                                   rtol=1e-4)


def test_confidences_are_calibrated(bike, videos):
    """softmax(logit_scale · cosine), as the toolbox's own way gives it."""
    from mmaction.apis import inference_recognizer
    found, = bike(videos[0], CLASSES, topk=3)
    bike.model.cfg = Config.fromfile(
        osp.join(ROOT, 'configs/bike_vitb32_k400.py'))
    bike.head.average_clips = 'score'
    sample = inference_recognizer(bike.model, videos[0])
    bike.head.average_clips = 'prob'
    scale = bike.head.logit_scale.exp().item()
    expected = (scale * sample.pred_score).softmax(-1)
    for name, value in found.predictions:
        assert value == pytest.approx(
            expected[CLASSES.index(name)].item(), rel=1e-4)


def test_files_folders_and_arrays_agree(bike, videos, folder):
    expected, = bike(videos[0], CLASSES)
    frames = decord.VideoReader(videos[0])[:].asnumpy()
    write_frames(videos[0], str(folder / 'frames'), 'img_{:05}.png')
    for source in (frames, str(folder / 'frames'), folder / 'frames'):
        found, = bike(source, CLASSES)
        assert found.frames == expected.frames
        np.testing.assert_allclose([v for _, v in found.predictions],
                                   [v for _, v in expected.predictions],
                                   rtol=1e-3)
    assert len(bike(str(folder / 'videos'), CLASSES)) == 10


def test_class_names_are_embedded_once(bike, videos):
    bike(videos[0], CLASSES)
    embedded = bike.head.embed_classes(words=True)
    bike(videos[:2], CLASSES)
    bike(videos[2])  # those of before
    assert bike.head.embed_classes(words=True) is embedded
    bike(videos[2], ['another'])
    assert bike.head.embed_classes(words=True) is not embedded


def test_none_of_these(bike, videos):
    found, = bike(videos[0], CLASSES, threshold=0.999)
    assert found.label is None and found.predictions
    assert 'none of these' in describe(found)


def test_timeline(bike, videos):
    """50 frames at 25 a second: windows of a second, by half of one."""
    found = bike.timeline(videos[0], CLASSES, window=1)
    assert [r.segment for r in found] == [(0, 1), (0.5, 1.5), (1, 2)]
    assert found[1].frames == [12, 15, 18, 21, 24, 27, 30, 33]
    frames = decord.VideoReader(videos[0])[:].asnumpy()
    again = bike.timeline(frames, CLASSES, window=1)
    for a, b in zip(found, again):
        np.testing.assert_allclose([v for _, v in a.predictions],
                                   [v for _, v in b.predictions],
                                   rtol=1e-3)
    with pytest.raises(ValueError, match='v3.mp4'):
        bike.timeline(videos[3], CLASSES)
    with pytest.raises(ValueError, match='one video, got 10'):
        bike.timeline(videos, CLASSES)


@pytest.mark.parametrize('window,stride,starts', [
    (4, 2, [0, 2, 4, 6]),
    (4, 4, [0, 4, 6]),
    (3, 10, [0, 7]),
    (20, 5, [0]),
])
def test_windows_reach_the_end(window, stride, starts):
    source = Source('array', [0] * 250)
    found = windows_of(source, window, stride)
    assert [s.segment[0] for s in found] == starts
    assert found[-1].segment[1] == 10


@pytest.mark.parametrize('inputs,error,message', [
    (7, TypeError, 'a path, an array'),
    (np.zeros((4, 8, 8), dtype=np.uint8), ValueError, r'\(4, 8, 8\)'),
    (np.zeros((4, 8, 8, 3)), ValueError, 'uint8, got .* float64'),
])
def test_unfit_inputs(inputs, error, message):
    with pytest.raises(error, match=message):
        find_sources(inputs)


def test_empty_folder(tmp_path):
    with pytest.raises(ValueError, match='neither videos .* nor images'):
        find_sources(str(tmp_path))


def test_other_heads_are_refused(folder):
    cfg = Config.fromfile(
        osp.join(ROOT, 'configs/backbones/clip_vitb32_tsn_k400.py'))
    cfg.model.backbone.update(arch=TINY_ARCH, pretrained=None)
    with pytest.raises(ValueError, match='is a VCSHead, got TSNHead'):
        BIKEInferencer(cfg, 'pretrained', device='cpu')


def test_command_line(bike, videos, folder, capsys):
    args = [
        '--config', folder / 'small.py', '--checkpoint', folder / 'model.pth',
        '--classes', ','.join(CLASSES), '--device', 'cpu', '--json',
        folder / 'out.json'
    ]
    run_tool('infer', *videos[:2], *args)
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-2].startswith('v0.mp4: ') and '%' in lines[-1]
    found = json.loads((folder / 'out.json').read_text())
    assert [r['source'] for r in found] == videos[:2]
    with pytest.raises(SystemExit) as end:
        run_tool('infer', *videos[2:4], *args)
    assert end.value.code == 1  # one could not be read
    run_tool('infer', videos[0], *args, '--window', 1)
    assert len(json.loads((folder / 'out.json').read_text())) == 3
