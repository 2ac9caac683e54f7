"""Pages to test. Gradio has one folder for a process, so that there is one page
at a time: a module uses the plain one or the rich one."""

import pytest

from bike_mmaction.apis import BIKEInferencer, VideoSearch, embed_videos
from bike_mmaction.web.page import WebPage
from tests.kit.browser import Visit, open_browser
from tests.kit.configs import load_config, shrink_model
from tests.kit.models import CLASSES, write_checkpoint, write_clip
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


@pytest.fixture(scope='module')
def page(bike):
    pytest.importorskip('gradio', reason='Gradio is not installed')
    page = WebPage(bike, CLASSES)
    yield page
    page.close()


@pytest.fixture(scope='module')
def url(page):
    return page.launch('127.0.0.1', None, wait=False)


@pytest.fixture(scope='module')
def client(url):
    with PageClient(url, timeout=60) as client:
        yield client


@pytest.fixture(scope='package')
def browser(tmp_path_factory):
    driver = open_browser(tmp_path_factory.mktemp('profile'))
    yield driver
    driver.quit()


@pytest.fixture
def visit(browser, url):
    return Visit(browser, url)


@pytest.fixture(scope='package')
def trained(bike, folder):
    """A model with classes of its own, and a threshold chosen for them."""
    cfg = bike.model.cfg.copy()
    cfg.threshold = 0.99
    cfg.model.cls_head.update(class_names=['a wave', 'a dune'], num_classes=2)
    checkpoint = write_checkpoint(bike.model, folder / 'trained.pth')
    return BIKEInferencer(cfg, checkpoint, workers=1)


@pytest.fixture(scope='package')
def indexed(bike, tmp_path_factory):
    """Videos of an index, and the index."""
    folder = tmp_path_factory.mktemp('indexed')
    for number in range(3):
        write_video(folder / 'videos' / f'{number}.mp4', num_frames=50, seed=number)
    embed_videos(bike, str(folder / 'videos'), str(folder / 'index'), fps=4)
    return folder


@pytest.fixture(scope='module')
def rich_page(bike, trained, indexed):
    """A page with a menu of models, and an index."""
    pytest.importorskip('gradio', reason='Gradio is not installed')
    search = VideoSearch(bike, str(indexed / 'index'))
    page = WebPage({'trained': trained, 'any': bike}, search=search)
    yield page
    page.close()


@pytest.fixture(scope='module')
def rich_url(rich_page):
    return rich_page.launch('127.0.0.1', None, wait=False)


@pytest.fixture
def rich_visit(browser, rich_url):
    return Visit(browser, rich_url)


@pytest.fixture(scope='module')
def rich_client(rich_url):
    with PageClient(rich_url, timeout=60) as client:
        yield client
