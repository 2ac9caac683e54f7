"""The web page, as a person uses it: in a browser."""

import json
import re
import socket
import sys
import urllib.request

import pytest

from bike_mmaction.apis.inference.recognition import Recognition
from bike_mmaction.datasets.typed_names import split_names
from bike_mmaction.web.page import import_gradio
from bike_mmaction.web.text import summarize, tabulate
from tests.kit.models import CLASSES
from tests.kit.tools import run_tool
from tests.kit.web_client import write_mpeg4


def test_names_as_typed():
    assert split_names(' a dog, playing chess,yoga,\n') == CLASSES
    assert split_names('a dog, a cat\nyoga\n') == ['a dog, a cat', 'yoga']
    with pytest.raises(ValueError, match='at least one'):
        split_names(' ,\n')
    with pytest.raises(ValueError, match='more than once: yoga'):
        split_names('yoga, a dog, yoga')


def test_summaries_have_no_markup_from_outside():
    recognition = Recognition(
        'a.mp4',
        [('a|b', 0.9)],
        'a|b',
        attributes=[('<img src=x>', 0.5), ('*sea*', 0.4)],
    )
    assert (
        summarize([recognition]) == '## a\\|b\n\nAttributes: \\<img src=x\\>, \\*sea\\*'
    )
    recognition.label, recognition.segment = None, (0, 1.5)
    assert summarize([recognition, recognition]) == '## 2 windows'
    assert (
        tabulate([recognition]).splitlines()[-1]
        == '| 0.0–1.5\N{NO-BREAK SPACE}s | *none of these* | 90\N{NO-BREAK SPACE}% | '
        '\\<img src=x\\>, \\*sea\\* |'
    )


def test_without_gradio(monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    with pytest.raises(ImportError, match=r"install 'bike_mmaction\[web\]'"):
        import_gradio()


def test_port_that_is_taken(bike, page, folder):
    bike.model.cfg.dump(folder / 'small.py')
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        with pytest.raises(SystemExit) as end:
            run_tool(
                'web', '--config', folder / 'small.py', '--port', taken.getsockname()[1]
            )
    assert re.match('web: error: --port .* cannot be used: Addr', end.value.code)


@pytest.mark.slow
class TestInBrowser:
    def test_prediction(self, visit, folder, bike, url, tmp_path):
        visit.upload(folder / 'good.mp4')
        visit.type('#classes', 'a dog, walking a cat,yoga')
        summary = visit.recognize()
        (recognition,) = bike(
            str(folder / 'good.mp4'), ['a dog', 'walking a cat', 'yoga']
        )
        names = ', '.join(name for name, _ in recognition.attributes)
        assert summary.splitlines() == [recognition.label, f'Attributes: {names}']
        confidences = visit.value_of('#confidences', 'innerText')
        for name, value in recognition.predictions:
            assert name in confidences and f'{100 * value:.0f}%' in confidences
        assert visit.value_of('#picture img', 'naturalWidth') > 800
        assert visit.value_of('#annotated video', 'duration') == pytest.approx(
            2, abs=0.1
        )
        with urllib.request.urlopen(visit.value_of('#json a', 'href')) as content:
            expected = dict(recognition.to_dict(), source='good.mp4')
            assert json.load(content) == json.loads(json.dumps(expected))
        assert visit.browser.save_screenshot(str(tmp_path / 'page.png'))
        fetched = visit.browser.execute_script(
            "return performance.getEntriesByType('resource').map(e => e.name)"
        )
        assert len(fetched) > 10
        assert all(name.startswith(url) for name in fetched)

    def test_one_model_has_no_menu(self, visit):
        assert visit.value('#classes').splitlines() == CLASSES
        assert visit.value('#threshold') == '0'
        assert not visit.shows('#model, #own, #others')
        assert [tab.text for tab in visit.all('button[role=tab]')] == [
            'One video',
            'Several videos',
        ]

    def test_nothing_empty_is_shown(self, visit):
        """What has no result is not there, and all fits on a small screen."""
        fields = '#confidences, #picture, #windows, #annotated, #json'
        assert not [e for e in visit.all(fields) if e.is_displayed()]
        assert visit.fits()

    def test_preview_of_what_browsers_do_not_play(self, visit, folder):
        visit.upload(write_mpeg4(folder / 'old.avi'))
        assert visit.value_of('#video video', 'poster').startswith('blob:')
        assert visit.value_of('#video video', 'dataset.still') == 'frames'
        assert not visit.all('[data-testid="toast-text"]')
        assert '\n' in visit.recognize()

    def test_refused_upload(self, visit, folder, page, monkeypatch):
        monkeypatch.setattr(page._uploads, 'most', 100)
        (field,) = visit.all('#video input[type=file]')
        field.send_keys(str(folder / 'good.mp4'))
        text = visit.value_of('[data-testid="toast-text"]', 'textContent')
        assert re.match('(the page keeps|one visitor may send) ', text)

    def test_windows(self, visit, folder):
        visit.upload(folder / 'good.mp4')
        visit.type('#window', '1')
        assert visit.recognize() == '3 windows'
        table = visit.value_of('#windows', 'innerText')
        for part in ('0.0–1.0', '0.5–1.5', '1.0–2.0'):
            assert part in table
        assert visit.value_of('#picture img', 'naturalWidth') > 800

    @pytest.mark.parametrize(
        'name,message',
        [
            ('text.mp4', "'text.mp4': it is no video"),
            ('empty.mp4', "'empty.mp4': the file is empty"),
            ('frame.mp4', 'only 1 of the 8 frames'),
        ],
    )
    def test_bad_upload(self, visit, folder, capfd, name, message):
        visit.upload(folder / name)
        assert message in visit.recognize()
        assert 'Traceback' not in visit.text()
        assert 'Traceback' not in ''.join(capfd.readouterr())

    def test_upload_of_another_type(self, visit, folder, capfd):
        visit.upload(folder / 'text.txt')
        visit.wait(lambda: 'Invalid file type: text.txt' in visit.text(), 'a message')
        assert 'Drop a video first' in visit.recognize()
        assert 'Traceback' not in ''.join(capfd.readouterr())

    def test_no_classes(self, visit, folder):
        visit.upload(folder / 'good.mp4')
        visit.type('#classes', ' ')
        assert 'name at least one class' in visit.recognize()
