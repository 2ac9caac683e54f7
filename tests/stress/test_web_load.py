"""A small size of the script: the page and its queue stay open to others."""

import pytest

pytest.importorskip('gradio', reason='Gradio is not installed')

from tests.stress.web_load import load


def test_web_load():
    assert load(5, time_limit=3, places=8, without=('many at once',)) == []
