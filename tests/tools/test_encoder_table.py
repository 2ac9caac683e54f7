"""The page of all architectures says what this open_clip has and does."""

import re

import open_clip
import pytest

from tests.kit.tools import tool

pytest.importorskip('transformers')
ENCODERS = tool('encoder_table')
# One of each kind of text tower, small ones.
ARCHS = (
    'MobileCLIP2-S0',
    'RN50',
    'ViT-B-16-SigLIP2',
    'coca_ViT-B-32',
    'mt5-base-ViT-B-32',
    'nllb-clip-base',
    'roberta-ViT-B-32',
    'xlm-roberta-base-ViT-B-32',
)


def rows():
    with open(ENCODERS.PAGE, encoding='utf-8') as file:
        page = file.read()
    if f'open_clip {open_clip.__version__} has' not in page:
        pytest.skip('the page is of another version of open_clip')
    return {row.split('`')[1]: row for row in re.findall(r'^\| `.*\n', page, re.M)}


def test_page_has_every_architecture():
    assert list(rows()) == open_clip.list_models()


def test_rows_are_what_the_models_are():
    """Otherwise run tools/encoder_table.py."""
    written = rows()
    encoders = ENCODERS.examine_all(ARCHS)
    assert [ENCODERS.row(encoder) for encoder in encoders] == [
        written[arch] for arch in ARCHS
    ]
    assert all(all(encoder.runs.values()) for encoder in encoders)
