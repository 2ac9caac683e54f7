"""The notebook runs from top to bottom, and shows what it is about."""

import json
import os
import os.path as osp
import re

import nbformat
import pytest
from nbclient import NotebookClient

from tests.kit import ROOT

NOTEBOOK = osp.join(ROOT, 'examples', 'quickstart.ipynb')
READY = osp.join('work_dirs', 'demo', 'clip.pt')  # of tools/demo.sh


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_stored_without_outputs(notebook):
    """What is old looks like what is true; and its links lead to pages."""
    nbformat.validate(notebook)
    codes = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert not any(cell.outputs or cell.execution_count for cell in codes)
    text = '\n'.join(cell.source for cell in notebook.cells)
    links = re.findall(r'\]\((\.\.[^)#]+)', text)
    missing = [x for x in links if not osp.isfile(osp.join(ROOT, 'examples', x))]
    assert links and not missing


@pytest.mark.slow
def test_it_runs(notebook, tmp_path, repository, monkeypatch):
    """Offline, with the demo's weights where they are, else with a few steps of
    pre-training, which show nothing but that it runs."""
    monkeypatch.setenv('IPYTHONDIR', str(tmp_path / 'ipython'))
    ready = osp.join(ROOT, READY)
    is_ready = osp.isfile(ready)
    if is_ready:
        (tmp_path / READY).parent.mkdir(parents=True)
        os.symlink(ready, tmp_path / READY)
    else:
        shorten(notebook, '--steps 150', '--steps 5')
    (tmp_path / 'examples').mkdir()
    client = NotebookClient(
        notebook, timeout=600, resources=dict(metadata=dict(path=tmp_path / 'examples'))
    )
    client.execute()
    outputs = [o for c in notebook.cells for o in c.get('outputs', ())]
    text = ''.join(o.get('text', '') for o in outputs)
    kinds = [kind for o in outputs for kind in o.get('data', ())]
    assert kinds.count('image/png') >= 3 and '<iframe' in str(outputs)
    assert "{'train': 44, 'val': 8, 'test': 12}" in text
    folder = tmp_path / 'examples/quickstart'
    about = json.loads((folder / 'mydata/model/about.json').read_text())
    top1 = about['metrics']['test']['acc/top1']
    assert f'{top1:.1%} of the test clips' in text
    matches = re.findall(r'(\d\.\d) to (\d\.\d) s of clips/(\w+)/(\d+\.mp4)', text)
    assert len(matches) == 5
    if is_ready:
        assert 'This is recognized: blue ball jumping over a box' in text
        assert top1 > 0.6  # chance: 0.25
        assert_is_event(folder / 'work_dirs/demo/data/truth.json', *matches[0])


def assert_is_event(truths, start, end, name, file):
    """What the last class says is what is found, when it happens."""
    assert name == 'red_ball_rolling_under_a_bridge'
    first, last = json.loads(truths.read_text())[f'train/{file}']['event']
    assert float(start) < (last + 1) / 25 and first / 25 < float(end)


def shorten(notebook, old, new):
    cells = [cell for cell in notebook.cells if old in cell.source]
    assert len(cells) == 1
    cells[0].source = cells[0].source.replace(old, new)
