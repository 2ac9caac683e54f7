"""A small size of the script: the page and its queue stay open to others."""

import pytest

pytest.importorskip('gradio', reason='Gradio is not installed')

from tests.stress.web_load import load

# One at a time, tests/web sends these.
ELSEWHERE = ('large frames', 'tiny window', 'many classes', 'lists of other files')


@pytest.mark.slow
def test_web_load():
    assert load(5, 3, places=8, without=('many at once', *ELSEWHERE)) == []
