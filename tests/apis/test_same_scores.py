"""Inferencer, export and test give a video the same scores."""

import os.path as osp
import threading

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.dataset import Compose, pseudo_collate

from bike_mmaction.apis import BIKEInferencer, ResultWriter
from bike_mmaction.apis.export import video_branch
from bike_mmaction.apis.sources import find_sources
from bike_mmaction.models.association import association_model
from bike_mmaction.models.text_head import with_classes
from bike_mmaction.recipes import fold_frames, set_clip_len, set_views
from bike_mmaction.web.page import WebPage
from tests.kit.configs import load_tiny
from tests.kit.models import FOUR_CLASSES, write_checkpoint, write_clip
from tests.kit.videos import write_video

T = 4


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
def by_test(bike, videos, classes=None):
    """What the toolbox's own way makes of the videos, one at a time."""
    model = bike.model if classes is None else with_classes(bike.model, classes)
    pipeline = Compose(bike.model.cfg.test_dataloader.dataset.pipeline)
    return [
        model.test_step(
            pseudo_collate(
                [pipeline(dict(filename=v, label=0, start_index=0, modality='RGB'))]
            )
        )[0]
        for v in videos
    ]


def confidences(sample, head):
    """Calibrated, from the score of a test, which is a softmax of the mean
    over the views of softmax(cosine)."""
    ranks = sample.pred_score.double()
    if head.average_clips == 'prob':
        ranks = ranks.log()
        ranks += (1 - ranks.sum()) / len(ranks)  # these sum to 1
        ranks = ranks.log()
    return (head.logit_scale.exp() * ranks).softmax(-1)


MODELS_OF = {
    'images, all one clip': ('vcs_resnet50_k400', '1x1', dict(num_segments=None)),
    'images': ('vcs_resnet50_k400', '1x1', dict(num_segments=T)),
    'images, views': ('vcs_resnet50_k400', '2x3', dict(num_segments=T)),
    'images, mean of cosines': (
        'vcs_resnet50_k400',
        '2x1',
        dict(num_segments=T, average_clips='score'),
    ),
    'clips': ('vcs_slowonly_resnet50_k400', '2x1', dict()),
    'BIKE': ('bike_vitb32_k400', '1x1', dict()),
    'BIKE, views': ('bike_vitb32_k400', '2x3', dict()),
}


@pytest.mark.parametrize('name', MODELS_OF)
def test_inferencer_scores_as_a_test(name, videos, tmp_path):
    config, views, head = MODELS_OF[name]
    bike = make(small_config(config, tmp_path, views, **head), tmp_path)
    found = bike(videos, topk=4, batch_size=2)
    expected = by_test(bike, videos)
    for recognition, sample in zip(found, expected):
        values = confidences(sample, bike.head)
        assert dict(recognition.predictions) == pytest.approx(
            dict(zip(FOUR_CLASSES, values.tolist())), rel=1e-3
        )
        assert recognition.predictions[0][0] == FOUR_CLASSES[sample.pred_label]
        for shares in recognition.saliency.values():
            assert len(shares) == len(recognition.frames) == T
            assert sum(shares) == pytest.approx(1)
    spread = [[v for _, v in sorted(r.predictions)] for r in found]
    assert np.ptp(spread, axis=0).max() > 1e-2  # the videos differ


@pytest.mark.parametrize('num_segments', [None, T])
def test_export_scores_as_a_test(num_segments, videos, tmp_path):
    cfg = small_config('vcs_resnet50_k400', tmp_path, '1x1', num_segments=num_segments)
    bike = make(cfg, tmp_path)
    branch, _ = video_branch(bike.model)
    clips = [
        bike.reader(source)['inputs'].transpose(0, 1).float()
        for source in find_sources(videos)
    ]
    with torch.no_grad():
        outputs = branch(torch.stack(clips))
    for values, sample in zip(outputs['confidences'], by_test(bike, videos)):
        torch.testing.assert_close(
            values.double(), confidences(sample, bike.head), rtol=1e-3, atol=1e-5
        )


def test_attributes_of_a_recognizer_of_images(videos, tmp_path):
    """All its frames are one clip, as for the recognizer of clips."""
    found = []
    for by_image in (False, True):
        cfg = small_config('bike_vitb32_k400', tmp_path, '1x1')
        cfg.model.neck = None
        if by_image:
            fold_frames(cfg)
            cfg.model.type = 'Recognizer2D'
        torch.manual_seed(0)
        model = MODELS.build(
            association_model(cfg.model, ['sea', 'wave', 'sun'])
        ).eval()
        model.init_weights()
        bike = make(cfg, tmp_path)
        batch = pseudo_collate([bike.reader(s) for s in find_sources(videos)])
        with torch.no_grad():
            samples = model.test_step(batch)
        found.append(torch.stack([s.pred_score for s in samples]))
    torch.testing.assert_close(*found)


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


def test_checkpoint_of_another_model(videos, tmp_path):
    """Of the toolbox's recognizers too, where mmengine only logs it."""
    cfg = small_config('vcs_resnet50_k400', tmp_path, '1x1', num_segments=T)
    bike = make(cfg, tmp_path)
    state = bike.model.state_dict()
    state.pop('cls_head.projection.weight')
    torch.save(dict(state_dict=state), tmp_path / 'other.pth')
    with pytest.raises(
        RuntimeError, match="other.pth.*Recognizer2D: 1 .*'cls_head.proj"
    ):
        BIKEInferencer(cfg, str(tmp_path / 'other.pth'))
    state['cls_head.projection.weight'] = torch.zeros(64, 512)
    state = {f'module.{name}': value for name, value in state.items()}
    torch.save(state, tmp_path / 'other.pth')
    assert BIKEInferencer(cfg, str(tmp_path / 'other.pth'))(videos[0])


def test_few_views_at_a_time(videos, tmp_path):
    """max_testing_views, which the toolbox has for one video at a time."""
    cfg = small_config('bike_vitb32_k400', tmp_path, '2x3')
    expected = make(cfg, tmp_path)(videos)
    cfg.model.test_cfg = dict(max_testing_views=4)
    for one, other in zip(make(cfg, tmp_path)(videos), expected):
        assert dict(one.predictions) == pytest.approx(dict(other.predictions))


class TestThreads:
    """One recognizer, several threads with classes of their own."""

    @pytest.fixture(scope='class')
    def bike(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp('threads')
        cfg = small_config('bike_vitb32_k400', folder, '1x1')
        cfg.model.attributes_head = dict(
            type='AttributesTextHead',
            num_classes=4,
            class_names=FOUR_CLASSES,
            mlp=False,
        )
        return make(
            cfg, folder, lexicon=['sea', 'wave', 'sun', 'grass'], num_attributes=2
        )

    def test_results_are_those_of_one_after_the_other(self, bike, videos, tmp_path):
        sets = [
            [f'{word} {i}' for i in range(2 + n)]
            for n, word in enumerate(('red', 'old cat of', 'a', 'big'))
        ]
        sets.append(None)  # those of the config

        def work(n, call):
            """Of thread n, whose options are its own as well."""
            classes, video = sets[n], videos[(n + call) % 3]
            if call % 2:
                return bike.timeline(
                    video, classes, window=0.5, topk=1 + n, batch_size=2
                )
            return bike(
                [video, videos[n % 3]],
                classes,
                topk=2 + n,
                threshold=0.1 * n,
                batch_size=1 + n % 2,
            )

        def run(n, results):
            for call in range(4):
                try:
                    results[n, call] = work(n, call)
                except Exception as error:
                    results[n, call] = error

        expected, found = {}, {}
        for n in range(len(sets)):
            run(n, expected)
        bike.head.text_encoder.clear_cache()
        threads = [
            threading.Thread(target=run, args=(n, found)) for n in range(len(sets))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for key, results in expected.items():
            assert isinstance(found[key], list), found[key]
            for one, other in zip(found[key], results):
                assert one.label == other.label
                assert one.segment == other.segment
                assert dict(one.predictions) == pytest.approx(
                    dict(other.predictions), rel=1e-4
                )
                assert dict(one.attributes) == pytest.approx(
                    dict(other.attributes), rel=1e-4
                )
                assert set(one.saliency) == set(other.saliency)

    def test_texts_are_embedded_once(self, bike, videos, monkeypatch):
        encoder, texts = bike.head.text_encoder, []
        embed = encoder.embed

        def spy(given, words, keep=True):
            texts.extend([tuple(given)] if keep else [])
            return embed(given, words, keep)

        monkeypatch.setattr(encoder, 'embed', spy)
        threads = [
            threading.Thread(target=bike, args=(videos, ['one', 'two']))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # With words for the video branch, without for the attributes.
        assert len(texts) == 2 and len(set(texts)) == 1

    def test_a_writer_and_a_page_for_all(self, bike, videos, tmp_path):
        pytest.importorskip('gradio', reason='Gradio is not installed')
        page, writer = WebPage(bike), ResultWriter(tmp_path, ('json', 'png'))
        shown = {}

        def work(n):
            bike(videos[0], [f'a {n}', f'b {n}'], writer=writer)
            shown[n] = page.recognize(videos[1], f'c {n}, d {n}', 0, 0)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(tmp_path.glob('*.png'))) == 4
        for n, outputs in shown.items():
            assert set(outputs[1]['value']) == {f'c {n}', f'd {n}'}
            for path in outputs[2], outputs[4], outputs[5]:
                assert osp.getsize(path) > 0
        page.close()
