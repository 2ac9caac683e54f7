"""One page for all tests of it."""

import pytest

from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.web.page import WebPage
from tests.kit.configs import load_config, shrink_model
from tests.kit.models import CLASSES, write_clip
from tests.kit.videos import write_video
from tests.kit.web_client import PageClient


@pytest.fixture(scope='package')
def folder(tmp_path_factory):
    """Good and bad files to upload."""
    folder = tmp_path_factory.mktemp('web')
    write_video(folder / 'good.mp4', num_frames=50)
    write_video(folder / 'frame.mp4', num_frames=1)
    (folder / 'empty.mp4').touch()
    for name in ('text.mp4', 'text.txt'):
        (folder / name).write_text('no video\n' * 50)
    return folder


@pytest.fixture(scope='package')
def bike(folder):
    cfg = load_config('bike_vitb16_vcs_k400')
    shrink_model(cfg.model)
    weights = write_clip(folder / 'clip.pt', cfg.model.backbone.arch)
    for tower in (cfg.model.backbone, cfg.model.cls_head.text_encoder):
        tower.pretrained = weights
    return BIKEInferencer(
        cfg, lexicon=['sea', 'wave', 'sun', 'sand', 'dune'], workers=1
    )


@pytest.fixture(scope='package')
def page(bike):
    pytest.importorskip('gradio', reason='Gradio is not installed')
    page = WebPage(bike, CLASSES)
    yield page
    page.close()


@pytest.fixture(scope='package')
def url(page):
    return page.launch('127.0.0.1', None, wait=False)


@pytest.fixture(scope='package')
def client(url):
    with PageClient(url, timeout=60) as client:
        yield client
