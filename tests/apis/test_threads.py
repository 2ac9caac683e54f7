"""One recognizer, several threads with classes of their own."""

import os.path as osp
import threading

import pytest
from mmaction.registry import MODELS

from bike_mmaction.apis import BIKEInferencer, ResultWriter
from bike_mmaction.web.page import WebPage
from tests.kit.configs import load_tiny
from tests.kit.models import FOUR_CLASSES, attributes_head, write_checkpoint, write_clip
from tests.kit.videos import write_video
from tests.kit.web import drop


def in_threads(work, calls):
    """A thread for each of these arguments; waits for all of them."""
    threads = [threading.Thread(target=work, args=args) for args in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    return [write_video(folder / f'v{i}.mp4', seed=i) for i in range(3)]


@pytest.fixture(scope='module')
def bike(tmp_path_factory):
    folder = tmp_path_factory.mktemp('threads')
    clip = write_clip(folder / 'clip.pt')
    cfg = load_tiny('bike_vitb32_k400', FOUR_CLASSES, pretrained=clip)
    cfg.model.attributes_head = attributes_head(
        FOUR_CLASSES, text_encoder=None, mlp=False
    )
    checkpoint = write_checkpoint(MODELS.build(cfg.model), folder / 'model.pth')
    return BIKEInferencer(
        cfg,
        checkpoint,
        device='cpu',
        lexicon=['sea', 'wave', 'sun', 'grass'],
        num_attributes=2,
    )


def test_results_are_those_of_one_after_the_other(bike, videos, tmp_path):
    sets = [
        [f'{word} {i}' for i in range(2 + n)]
        for n, word in enumerate(('red', 'old cat of', 'a', 'big'))
    ]
    sets.append(None)  # those of the config

    def work(n, call):
        """Of thread n, whose options are its own as well."""
        classes, video = sets[n], videos[(n + call) % 3]
        if call % 2:
            return bike.timeline(video, classes, window=0.5, topk=1 + n, batch_size=2)
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

    alone, together = {}, {}
    for n in range(len(sets)):
        run(n, alone)
    bike.head.text_encoder.clear_cache()
    in_threads(run, [(n, together) for n in range(len(sets))])
    for key, recognitions in alone.items():
        assert isinstance(together[key], list), together[key]
        for one, other in zip(together[key], recognitions):
            assert one.label == other.label
            assert one.segment == other.segment
            assert dict(one.predictions) == pytest.approx(
                dict(other.predictions), rel=1e-4
            )
            assert dict(one.attributes) == pytest.approx(
                dict(other.attributes), rel=1e-4
            )
            assert set(one.saliency) == set(other.saliency)


def test_texts_are_embedded_once(bike, videos, monkeypatch):
    encoder, texts = bike.head.text_encoder, []
    embed = encoder.embed

    def spy(given, with_words, keep=True):
        texts.extend([tuple(given)] if keep else [])
        return embed(given, with_words, keep)

    monkeypatch.setattr(encoder, 'embed', spy)
    in_threads(bike, [(videos, ['one', 'two'])] * 4)
    # With words for the video branch, without for the attributes.
    assert len(texts) == 2 and len(set(texts)) == 1


def test_a_writer_and_a_page_for_all(bike, videos, tmp_path):
    pytest.importorskip('gradio', reason='Gradio is not installed')
    page, writer = WebPage(bike), ResultWriter(tmp_path, ('json', 'png'))
    shown = {}

    def work(n):
        bike(videos[0], [f'a {n}', f'b {n}'], writer=writer)
        shown[n] = page.recognize(drop(page, videos[1]), f'c {n}, d {n}', 0, 0)

    in_threads(work, [(n,) for n in range(4)])
    assert len(list(tmp_path.glob('*.png'))) == 4
    for n, outputs in shown.items():
        assert set(outputs[1]['value']) == {f'c {n}', f'd {n}'}
        for field in outputs[2], outputs[4], outputs[5]:
            assert osp.getsize(field['value']) > 0
    page.close()
