"""Test, inferencer and export give a video the same scores."""

import numpy as np
import pytest
import torch
from mmaction.models import Recognizer2D
from mmaction.registry import MODELS
from mmengine.dataset import Compose, pseudo_collate

from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.apis.export import video_branch
from bike_mmaction.apis.inference.sources import find_sources
from bike_mmaction.models.association import association_model
from bike_mmaction.models.scores import score
from bike_mmaction.models.video_branch import OUTPUTS
from bike_mmaction.recipes import fold_frames, set_clip_len, set_views
from tests.kit.configs import load_tiny
from tests.kit.models import FOUR_CLASSES, attributes_head, write_checkpoint, write_clip
from tests.kit.videos import write_video

T = 4
LEXICON = ['sea', 'wave', 'sun', 'grass']


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    return [write_video(folder / f'v{i}.mp4', seed=i) for i in range(3)]


def small_config(name, folder, views, **head):
    """Four frames of 32x32 pixels, a tiny CLIP for the texts at least."""
    clip = write_clip(folder / 'clip.pt')
    cfg = load_tiny(name, FOUR_CLASSES, pretrained=clip, **head)
    set_views(cfg, views)
    return cfg


def make(cfg, folder, **kwargs):
    torch.manual_seed(1)
    checkpoint = write_checkpoint(MODELS.build(cfg.model), folder / 'model.pth')
    return BIKEInferencer(cfg, checkpoint, device='cpu', **kwargs)


@torch.no_grad()
def predict(bike, videos):
    """What MMAction2's own way makes of the videos, one at a time."""
    pipeline = Compose(bike.model.cfg.test_dataloader.dataset.pipeline)
    samples = []
    for video in videos:
        entry = dict(filename=video, label=0, start_index=0, modality='RGB')
        samples += bike.model.test_step(pseudo_collate([pipeline(entry)]))
    return samples


@torch.no_grad()
def export(bike, videos):
    """Outputs of the exported model for the only view of each video."""
    branch, _ = video_branch(bike.model)
    inputs = [bike.reader(source)['inputs'] for source in find_sources(videos)]
    if isinstance(bike.model, Recognizer2D):
        clips = [images.transpose(0, 1) for images in inputs]  # of [T, 3, H, W]
    else:
        clips = [views[0] for views in inputs]  # of [V, 3, T, H, W]
    return branch(torch.stack(clips).float())


IMAGES, CLIPS = 'vcs_resnet50_k400', 'vcs_slowonly_resnet50_k400'
BIKE = 'bike_vitb32_k400'
MODELS_OF = {
    'images, all one clip': (IMAGES, '1x1', dict(num_segments=None)),
    'images': (IMAGES, '1x1', dict(num_segments=T)),
    'images, views': (IMAGES, '2x3', dict(num_segments=T)),
    'images, mean of cosines': (
        IMAGES,
        '2x1',
        dict(num_segments=T, average_clips='score'),
    ),
    'clips': (CLIPS, '2x1', dict()),
    'BIKE': (BIKE, '1x1', dict()),
    'BIKE, views': (BIKE, '2x3', dict()),
    'BIKE, attributes': (BIKE, '1x1', dict()),
    'BIKE, attributes, views': (BIKE, '2x1', dict()),
}


@pytest.mark.filterwarnings('ignore:only the video branch is exported')
@pytest.mark.parametrize('name', MODELS_OF)
def test_predict_inferencer_and_export_agree(name, videos, tmp_path):
    """Of one recognizer. What follows from what is written out by hand."""
    config, views, head = MODELS_OF[name]
    cfg = small_config(config, tmp_path, views, **head)
    attributes = 'attributes' in name
    if attributes:
        cfg.model.attributes_head = attributes_head(
            FOUR_CLASSES, text_encoder=None, mlp=False
        )
    bike = make(
        cfg, tmp_path, lexicon=LEXICON if attributes else None, num_attributes=2
    )
    scale = bike.head.logit_scale.exp().double()
    samples = predict(bike, videos)
    recognitions = bike(videos, topk=4, batch_size=2)
    for sample, recognition in zip(samples, recognitions):
        ranks = sample.video_score
        if attributes:
            ranks = 0.7 * sample.video_score + 0.3 * sample.attributes_score
            close(sample.pred_score, ranks)
        cosines = ranks if 'average_clips' in head else ranks.log()
        expected = (scale * cosines).softmax(-1)
        close(by_class(recognition.predictions), expected)
        assert recognition.label == FOUR_CLASSES[sample.pred_label]
        phrases = [phrase for phrase, _ in recognition.attributes]
        assert phrases == sample.get('attributes', [])
    if views == '1x1':
        outputs = export(bike, videos)
        for number, (sample, recognition) in enumerate(zip(samples, recognitions)):
            cosines, confidences, saliency = (
                outputs[key][number].double() for key in OUTPUTS
            )
            close(cosines.softmax(-1), sample.video_score)
            close(confidences, (scale * cosines).softmax(-1))
            close(saliency, by_class(recognition.saliency.items()))
    spread = torch.stack([by_class(r.predictions) for r in recognitions])
    assert np.ptp(spread.numpy(), axis=0).max() > 1e-2  # the videos differ


def close(one, other):
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def by_class(pairs):
    """Values of all classes in their order, from names and values."""
    values = dict(pairs)
    return torch.tensor([values[name] for name in FOUR_CLASSES], dtype=torch.float64)


def test_attributes_of_a_recognizer_of_images(videos, tmp_path):
    """All its frames are one clip, as for the recognizer of clips."""
    scores = []
    for by_image in (False, True):
        cfg = small_config('bike_vitb32_k400', tmp_path, '1x1')
        cfg.model.neck = None
        if by_image:
            fold_frames(cfg)
            cfg.model.type = 'Recognizer2D'
        torch.manual_seed(0)
        model = MODELS.build(association_model(cfg.model, LEXICON)).eval()
        model.init_weights()
        bike = make(cfg, tmp_path)
        batch = pseudo_collate([bike.reader(s) for s in find_sources(videos)])
        with torch.no_grad():
            samples = model.test_step(batch)
        scores.append(torch.stack([s.pred_score for s in samples]))
    torch.testing.assert_close(*scores)


def test_frames_that_are_no_clips(videos, tmp_path):
    """Two videos of 6 frames would be three clips of 4."""
    cfg = small_config('vcs_resnet50_k400', tmp_path, '1x1', num_segments=T)
    set_clip_len(cfg, 6)
    bike = make(cfg, tmp_path)
    with pytest.raises(ValueError, match='num_segments=4.*6 frames a video'):
        bike(videos[:2])


def test_images_are_no_views(videos, tmp_path):
    cfg = small_config('bike_vitb32_k400', tmp_path, '1x1')
    fold_frames(cfg)
    with pytest.raises(ValueError, match="input_format='NCTHW'"):
        make(cfg, tmp_path)(videos[0])


def test_crops_are_no_frames(videos, tmp_path):
    """As in MMAction2's own TSN, which is tested with crops of each frame."""
    cfg = small_config(IMAGES, tmp_path, '1x3', num_segments=None)
    bike = make(cfg, tmp_path)
    (recognition,) = bike(videos[0], FOUR_CLASSES)
    assert recognition.warning is None
    assert len(recognition.frames) == T == len(set(recognition.frames))
    (source,) = find_sources(videos[0])
    with torch.no_grad():
        data = bike.model.data_preprocessor(pseudo_collate([bike.reader(source)]))
        saliency = score(bike.model, data['inputs'], data['data_samples']).saliency
    assert saliency.shape[-1] == 3 * T
    for name, expected in zip(FOUR_CLASSES, saliency[0, 0].reshape(-1, 3, T).sum(1)):
        close(torch.tensor(recognition.saliency[name]), expected)


def test_checkpoint_of_another_model(videos, tmp_path):
    """Of MMAction2's recognizers too, where mmengine only logs it."""
    cfg = small_config('vcs_resnet50_k400', tmp_path, '1x1', num_segments=T)
    bike = make(cfg, tmp_path)
    state = bike.model.state_dict()
    state.pop('cls_head.projection.weight')
    torch.save(dict(state_dict=state), tmp_path / 'other.pth')
    with pytest.raises(
        RuntimeError, match='(?s)other.pth.*Recognizer2D.* 1 .*cls_head.proj'
    ):
        BIKEInferencer(cfg, str(tmp_path / 'other.pth'))
    state['cls_head.projection.weight'] = torch.zeros(64, 512)
    state = {f'module.{name}': value for name, value in state.items()}
    torch.save(state, tmp_path / 'other.pth')
    assert BIKEInferencer(cfg, str(tmp_path / 'other.pth'))(videos[0])


def test_few_views_at_a_time(videos, tmp_path):
    """max_testing_views, which MMAction2 has for one video at a time."""
    cfg = small_config('bike_vitb32_k400', tmp_path, '2x3')
    expected = make(cfg, tmp_path)(videos)
    cfg.model.test_cfg = dict(max_testing_views=4)
    for one, other in zip(make(cfg, tmp_path)(videos), expected):
        assert dict(one.predictions) == pytest.approx(dict(other.predictions))
