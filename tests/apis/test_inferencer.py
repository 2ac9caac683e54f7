"""One's own videos: in calls, windows and on the command line."""

import json
import os.path as osp

import numpy as np
import open_clip
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.apis.inference.recognition import Recognition, describe, fill_in
from bike_mmaction.apis.inference.sources import find_sources
from bike_mmaction.shipped import find_config
from tests.kit import ROOT
from tests.kit.configs import load_config
from tests.kit.models import CLASSES, TINY_ARCH
from tests.kit.tools import run_tool
from tests.kit.videos import read_video, write_video

LEXICON = ['sea', 'wave', 'sun', 'grass']


def test_nine_results_and_one_named_failure(bike, videos):
    recognitions = bike(videos, CLASSES)
    assert [r.source for r in recognitions] == videos
    assert [r.error is not None for r in recognitions] == [i == 3 for i in range(10)]
    assert 'v3.mp4' in recognitions[3].error and not recognitions[3].predictions
    for recognition in recognitions[:3] + recognitions[4:]:
        values = [value for _, value in recognition.predictions]
        assert values == sorted(values, reverse=True)
        assert sum(values) == pytest.approx(1, abs=1e-5)
        assert recognition.label == recognition.predictions[0][0]
        assert set(recognition.saliency) == set(CLASSES)
        assert recognition.frames == [0, 6, 12, 18, 25, 31, 37, 43]
        for shares in recognition.saliency.values():
            assert len(shares) == 8 and sum(shares) == pytest.approx(1)
    json.dumps([r.to_dict() for r in recognitions])


def test_batches_change_nothing(bike, videos):
    one, four = (bike(videos[:3], CLASSES, batch_size=size) for size in (1, 4))
    for a, b in zip(one, four):
        assert [n for n, _ in a.predictions] == [n for n, _ in b.predictions]
        np.testing.assert_allclose(
            [v for _, v in a.predictions], [v for _, v in b.predictions], rtol=1e-4
        )


@pytest.mark.gpu
@pytest.mark.parametrize('workers', [0, 2])
def test_gpu_recognizes_as_the_cpu_does(bike, folder, videos, workers):
    """Up to the precision of its matrix products."""
    on_gpu = BIKEInferencer(
        str(folder / 'small.py'), str(folder / 'model.pth'), workers=workers
    )
    assert on_gpu.device.startswith('cuda')
    for a, b in zip(bike(videos, CLASSES), on_gpu(videos, CLASSES, batch_size=4)):
        assert (a.error is None) == (b.error is None) and a.frames == b.frames
        values = dict(b.predictions)
        for name, value in a.predictions:
            assert values[name] == pytest.approx(value, abs=5e-3)


def test_class_names_are_embedded_once(bike, videos, embedded):
    for classes in (['one', 'two'], ['three'], ['one', 'two']):
        bike(videos[:2], classes, batch_size=1)
    bike.timeline(videos[0], ['three'], window=1)
    assert embedded == [('one', 'two'), ('three',)]


@pytest.fixture
def embedded(bike, monkeypatch):
    """The sets of class names that were given to the text tower."""
    name_sets = []
    encoder = bike.head.text_encoder
    embed = encoder.embed

    def spy(texts, *args, **kwargs):
        start = len(bike.head.prompt) - 2
        name_sets.append(tuple(text[start:] for text in texts))
        return embed(texts, *args, **kwargs)

    monkeypatch.setattr(encoder, 'embed', spy)
    return name_sets


def test_classes_of_a_call_are_its_own(bike, videos):
    whole = len(bike.head.class_names)
    bike(videos[0], CLASSES)
    with pytest.warns(UserWarning, match='400 classes of the config'):
        (recognition,) = bike(videos[0], topk=whole)
    assert len(recognition.predictions) == whole == len(bike.classes)
    bike.set_classes(CLASSES)
    bike(videos[0], ['another'])
    (recognition,) = bike(videos[0])
    assert {name for name, _ in recognition.predictions} == set(CLASSES)
    bike._classes = None


def test_none_of_these(bike, videos):
    (recognition,) = bike(videos[0], CLASSES, threshold=0.999)
    assert recognition.label is None and recognition.predictions
    assert 'none of these' in describe(recognition)


def test_timeline(bike, videos):
    """50 frames at 25 a second: windows of a second, by half of one."""
    recognitions = bike.timeline(videos[0], CLASSES, window=1)
    assert [r.segment for r in recognitions] == [(0, 1), (0.5, 1.5), (1, 2)]
    assert recognitions[1].frames == [12, 15, 18, 21, 24, 27, 30, 33]
    frames = read_video(videos[0])
    again = bike.timeline(frames, CLASSES, window=1)
    for a, b in zip(recognitions, again):
        assert (a.frames, a.segment) == (b.frames, b.segment)
        np.testing.assert_allclose(
            [v for _, v in a.predictions], [v for _, v in b.predictions], rtol=1e-3
        )
    with pytest.raises(ValueError, match='fps=0 must be'):
        bike.timeline(frames, CLASSES, fps=0)
    (broken,) = bike.timeline(videos[3], CLASSES)
    assert 'v3.mp4' in broken.error and not broken.predictions
    with pytest.raises(ValueError, match='one video, got 10'):
        bike.timeline(videos, CLASSES)


def test_attributes_are_the_nearest_phrases(with_attributes, videos, folder):
    """Mean pooling by the CLIP that was not fine-tuned, here by open_clip."""
    (recognition,) = with_attributes(videos[0], CLASSES)
    clip = open_clip.CLIP(
        **Config.fromfile(str(folder / 'small.py')).model.backbone.arch
    )
    clip.load_state_dict(torch.load(folder / 'clip.pt'))
    clip.eval()
    batch = with_attributes.reader(*find_sources(videos[0]))
    inputs = with_attributes.model.data_preprocessor(
        dict(inputs=[batch['inputs']], data_samples=[batch['data_samples']])
    )['inputs']
    with torch.no_grad():
        frames = clip.encode_image(inputs[0, 0].transpose(0, 1))
        texts = clip.encode_text(
            open_clip.tokenize(
                [f'This is a video about {phrase}' for phrase in LEXICON]
            )
        )
    cosines = torch.cosine_similarity(frames.mean(0), texts)
    best = cosines.argsort(descending=True)[:3].tolist()
    assert [name for name, _ in recognition.attributes] == [LEXICON[i] for i in best]
    np.testing.assert_allclose(
        [value for _, value in recognition.attributes], cosines[best], atol=1e-5
    )


def test_attributes_branch_without_lexicon(folder, with_attributes):
    cfg = with_attributes.model.cfg.copy()
    cfg.model = dict(cfg.model, association=None)
    with pytest.raises(ValueError, match='name a lexicon'):
        BIKEInferencer(cfg, str(folder / 'model.pth'))


def test_lexicon_needs_a_clip_recognizer():
    cfg = Config(dict(model=dict(type='Recognizer2D')))
    with pytest.raises(ValueError, match="needs a CLIPRecognizer.*'Recogni"):
        BIKEInferencer(cfg, lexicon=LEXICON)


def test_repeated_frames_are_told(bike, folder):
    short = write_video(folder / 'short.mp4', num_frames=1)
    (recognition,) = bike(short, CLASSES)
    assert 'only 1 of the 8 frames' in recognition.warning
    assert recognition.warning in describe(recognition)


def test_time_steps_that_join_frames():
    """Of backbones that keep half of the time: all of the clip is shown."""
    sample = ActionDataSample()
    indices = [*range(0, 32, 2), *range(1, 33, 2)]  # of two clips
    sample.set_metainfo(dict(frame_inds=np.array(indices), clip_len=16))
    recognition = Recognition('video.mp4')
    saliency = torch.full((2, 8), 1 / 8)
    fill_in(recognition, sample, ['a', 'b'], torch.tensor([0.7, 0.3]), saliency, 2, 0)
    assert recognition.frames == [2, 6, 10, 14, 18, 22, 26, 30]
    assert recognition.warning is None


@pytest.mark.parametrize(
    'steps, frames', [(12, [0, 4, 6, 8, 12, 14, 16, 20, 22, 24, 28, 30]), (20, None)]
)
def test_time_steps_in_no_whole_proportion(steps, frames):
    sample = ActionDataSample()
    indices = list(range(0, 32, 2))
    sample.set_metainfo(dict(frame_inds=np.array(indices), clip_len=16))
    recognition = Recognition('video.mp4')
    saliency = torch.full((2, steps), 1 / steps)
    fill_in(recognition, sample, ['a', 'b'], torch.tensor([0.7, 0.3]), saliency, 2, 0)
    assert recognition.frames == (frames or indices)
    shares = recognition.saliency['a']
    assert len(shares) == len(recognition.frames) and sum(shares) == pytest.approx(1)


def test_one_class_alone(bike, videos):
    """Whatever the video shows, and whatever the threshold."""
    (recognition,) = bike(videos[0], ['another'], threshold=1)
    assert recognition.label == 'another'
    assert 'one class alone has a confidence of 1' in describe(recognition)
    assert bike(videos[0], CLASSES)[0].warning is None


def test_random_weights_are_refused(bike, folder):
    cfg = Config.fromfile(str(folder / 'small.py'))
    with pytest.raises(ValueError, match=r"'neck', 'cls_head.text_encoder'"):
        BIKEInferencer(cfg)


def test_other_heads_are_refused(folder):
    cfg = load_config('clip_vitb32_tsn_k400')
    cfg.model.backbone.update(arch=TINY_ARCH, pretrained=None)
    with pytest.raises(ValueError, match='is a VCSHead, got TSNHead'):
        BIKEInferencer(cfg, 'pretrained', device='cpu')


def test_command_line(bike, videos, folder, capsys):
    args = [
        '--config',
        folder / 'small.py',
        '--checkpoint',
        folder / 'model.pth',
        '--classes',
        ','.join(CLASSES),
        '--device',
        'cpu',
        '--json',
        folder / 'out.json',
    ]
    run_tool('infer', *videos[:2], *args)
    printed = capsys.readouterr()
    assert 'video/s' not in printed.err  # no bar where there is no terminal
    lines = printed.out.strip().splitlines()
    assert lines[-2].startswith('v0.mp4: ') and '%' in lines[-1]
    content = json.loads((folder / 'out.json').read_text())
    assert [r['source'] for r in content] == videos[:2]
    with pytest.raises(SystemExit) as end:
        run_tool('infer', *videos[2:4], *args)
    assert end.value.code == 1  # one could not be read
    run_tool('infer', videos[0], *args, '--window', 1)
    assert len(json.loads((folder / 'out.json').read_text())) == 3


def test_command_line_writes_pictures(bike, videos, folder, tmp_path):
    run_tool(
        'infer',
        videos[0],
        '--config',
        folder / 'small.py',
        '--checkpoint',
        folder / 'model.pth',
        '--classes',
        'a dog, yoga',
        '--lexicon',
        ','.join(LEXICON + ['sand']),
        '--out-dir',
        tmp_path,
        '--formats',
        'json',
        'png',
    )
    content = json.loads((tmp_path / 'v0_bike.json').read_text())
    assert set(content['saliency']) == {'a dog', 'yoga'}
    assert len(content['attributes']) == 5
    assert osp.getsize(tmp_path / 'v0_bike.png') > 10000


def test_default_model_is_clip(videos, tmp_path, monkeypatch):
    """Its weights are to be downloaded, which is not allowed here."""
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_CACHE', str(tmp_path))
    with pytest.raises(SystemExit) as end:
        run_tool('infer', videos[0], '--classes', 'a,b')
    assert "weights 'openai' of ViT-B-16" in end.value.code


def test_results_that_cannot_be_written(videos, folder):
    with pytest.raises(SystemExit) as end:
        run_tool('infer', videos[0], '--json', folder / 'absent' / 'x.json')
    assert 'absent/x.json' in end.value.code


def test_windows_of_a_folder(bike, videos, folder, tmp_path):
    for i in range(2):
        (tmp_path / f'v{i}.mp4').symlink_to(videos[i])
    run_tool(
        'infer',
        tmp_path,
        '--config',
        folder / 'small.py',
        '--checkpoint',
        folder / 'model.pth',
        '--classes',
        'a,b',
        '--window',
        2,
        '--json',
        tmp_path / 'out.json',
    )
    content = json.loads((tmp_path / 'out.json').read_text())
    assert [osp.basename(r['source']) for r in content] == ['v0.mp4', 'v1.mp4']


def test_configs_are_found_by_name():
    path = find_config('vcs_tsm_resnet50_k400')
    assert osp.samefile(
        path, osp.join(ROOT, 'configs/backbones/vcs_tsm_resnet50_k400.py')
    )
    with pytest.raises(FileNotFoundError, match="'nosuch' is neither"):
        find_config('nosuch')
