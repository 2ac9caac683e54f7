"""Checkpoints by file name and by address, as MMEngine's runner loads them.

Without the remedy ``load_own_checkpoints`` these fail.
"""

import hashlib
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader
from safetensors.torch import save_file

from tests.golden import fixture
from tests.kit.line import line_runner

load = CheckpointLoader.load_checkpoint


def test_own_checkpoint_is_read_and_resumed(tmp_path):
    line_runner(tmp_path, experiment_name=f'{tmp_path.name}_1').train()
    log = load(str(tmp_path / 'epoch_1.pth'))['message_hub']['log_scalars']
    assert isinstance(log['train/loss'], HistoryBuffer)
    assert log['train/loss'].mean() > log['train/loss'].current()
    runner = line_runner(
        tmp_path, max_epochs=2, resume=True, experiment_name=f'{tmp_path.name}_2'
    )
    runner.train()
    assert runner.iter == 4


def test_safetensors(tmp_path):
    path = str(tmp_path / 'a.safetensors')
    save_file(dict(a=torch.arange(3)), path)
    assert load(path)['state_dict']['a'].tolist() == [0, 1, 2]


def test_released_file_given_unconverted(tmp_path):
    path = str(tmp_path / 'released.pt')
    torch.save(fixture.checkpoint(), path)
    with pytest.raises(RuntimeError) as error:
        load(path)
    assert f'bike convert-checkpoint {path}' in str(error.value)


def test_missing_file():
    with pytest.raises(FileNotFoundError, match="'nowhere.pth' does not exist"):
        load('nowhere.pth')


def test_file_that_is_no_checkpoint(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_bytes(b'no checkpoint')
    with pytest.raises(RuntimeError, match=r'a.pth.*damaged, or no checkpoint \(.+\)'):
        load(str(path))


@contextmanager
def serve(folder):
    """An HTTP server on this machine."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()
        thread.join()


class TestAddress:
    @pytest.fixture(autouse=True)
    def cache(self, tmp_path, monkeypatch):
        """The folder of torch.hub's downloads."""
        monkeypatch.setenv('TORCH_HOME', str(tmp_path))
        folder = tmp_path / 'hub' / 'checkpoints'
        folder.mkdir(parents=True)
        return folder

    def test_is_downloaded_once(self, tmp_path):
        (tmp_path / 'files').mkdir()
        torch.save(dict(state_dict=dict(a=3)), tmp_path / 'files' / 'model.pth')
        torch.save(fixture.checkpoint(), tmp_path / 'files' / 'released.pt')
        with serve(tmp_path / 'files') as url:
            assert load(f'{url}/model.pth')['state_dict'] == dict(a=3)
            with pytest.raises(RuntimeError, match='bike convert-checkpoint'):
                load(f'{url}/released.pt')
            with pytest.raises(RuntimeError, match='none.pth.*404'):
                load(f'{url}/none.pth')
        assert load(f'{url}/model.pth')['state_dict'] == dict(a=3)  # no server

    def test_of_what_torch_hub_has_downloaded(self, cache):
        """Known by the digest in its name, as published files have it."""
        torch.save(dict(state_dict=dict(a=3)), cache / 'plain.pth')
        content = (cache / 'plain.pth').read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:8]
        (cache / f'r50-{digest}.pth').write_bytes(content)
        (cache / 'r50-01234567.pth').write_bytes(content)
        nobody = 'http://127.0.0.1:9/models'
        assert load(f'{nobody}/r50-{digest}.pth')['state_dict'] == dict(a=3)
        for name in ('plain', 'r50-01234567'):  # maybe of another address
            with pytest.raises(RuntimeError, match=f'cannot download .*{name}.pth'):
                load(f'{nobody}/{name}.pth')
