"""Sharing by a hub: what is uploaded, what is asked for, and what goes wrong."""

import json
import re
import sys
from unittest import mock

import numpy as np
import pytest

from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.apis.hub import saving
from bike_mmaction.errors import SharedModelError
from bike_mmaction_cli import main
from tests.kit.hub import TOKEN, Hub, calling
from tests.kit.shared_models import change, replace, same
from tests.kit.tools import run_well
from tests.kit.videos import write_video

# In a process that has never seen the recognizer.
LOADING = """
import sys
import numpy as np
from bike_mmaction.apis import BIKEInferencer
from tests.kit.hub import calling
url, folder, frames, out, name = sys.argv[1:]
with calling(url, folder):
    bike = BIKEInferencer.from_pretrained(name, device='cpu', workers=0)
    again = BIKEInferencer.from_pretrained(name, local_files_only=True)
recognition, = bike(np.load(frames))
assert again(np.load(frames)) == [recognition]
np.savez(out, recognition._confidences, *recognition.saliency.values())
"""


@pytest.fixture(scope='module')
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture
def here(hub, tmp_path):
    """This process calls the hub, with nothing in its cache."""
    with calling(hub.url, tmp_path / 'cache'):
        yield hub


def load(name, **options):
    return BIKEInferencer.from_pretrained(name, device='cpu', workers=0, **options)


def test_pushed_here_and_loaded_in_a_fresh_process(here, bike, frames, tmp_path):
    name = 'org/new'
    np.save(tmp_path / 'frames.npy', frames)
    with mock.patch.object(saving, 'MOST_BYTES', '1MB'):
        address = bike.push_to_hub(name, private=True, commit_message='mine')
    repo = here.repos[name]
    assert address.startswith(f'{here.url}/{name}/commit/')
    assert repo.private and repo.messages[-1] == 'mine'
    del here.requests[:]
    paths = [tmp_path / path for path in ('there', 'frames.npy', 'out.npz')]
    run_well(sys.executable, '-c', LOADING, here.url, *paths, f'hf-hub:{name}')
    expected = bike(frames)[0]
    got = np.load(tmp_path / 'out.npz')
    values = [expected._confidences, *expected.saliency.values()]
    assert all(np.array_equal(got[f'arr_{i}'], v) for i, v in enumerate(values))
    paths = [path for method, path in here.requests if method == 'GET']
    read = {path.rpartition('/')[2] for path in paths if name in path}
    named = json.loads(repo.files['bike_config.json'])['files']
    assert read == {'bike_config.json', *named}  # and nothing else


def test_a_push_replaces_what_was_there_but_for_the_card(here, bike, frames):
    with mock.patch.object(saving, 'MOST_BYTES', '1MB'):
        bike.push_to_hub('org/again')
    repo = here.repos['org/again']
    files = {**repo.files, 'README.md': b'---\nlicense: mit\n---\nmine'}
    repo.commit({**files, 'notes.txt': b'mine'}, 'main', 'my own card')
    bike.push_to_hub('org/again')
    assert set(repo.files) == {
        '.gitattributes',
        'README.md',
        'bike_config.json',
        'model.safetensors',
        'notes.txt',
    }
    assert repo.files['README.md'].endswith(b'mine')
    before = repo.branches['main']
    with bike_of_other_classes(bike):
        address = bike.push_to_hub('org/again', create_pr=True)
        bike.push_to_hub('org/again', revision='other')
    assert address == f'{here.url}/org/again/discussions/1'
    assert repo.branches['main'] == before
    assert load('org/again').classes == bike.classes
    for revision in ('refs/pr/1', 'other', repo.branches['other']):
        assert load('org/again', revision=revision).classes == ['sea', 'sun']
    assert load('hf-hub:org/again@other').classes == ['sea', 'sun']
    assert same(load('org/again')(frames)[0], bike(frames)[0])


def bike_of_other_classes(bike):
    return mock.patch.object(bike, '_classes', ['sea', 'sun'])


def test_what_goes_wrong_is_told_in_one_line(here, shared, copy_of, tmp_path):
    fine = here.add_folder('org/fine', shared)
    here.add_folder('org/secret', shared, private=True)
    here.add_folder('org/gated', shared, gated=True)
    here.add('org/empty', {'README.md': 'hello'})
    here.add('org/pickles', {'README.md': 'hello', 'pytorch_model.bin': b'x'})
    clip = {'open_clip_config.json': '{}', 'open_clip_model.safetensors': b'x'}
    here.add('org/clip', clip)
    config = shared / 'bike_config.json'
    here.add('org/no-weights', {'bike_config.json': config.read_bytes()})
    weights = 'model.safetensors'
    here.add_folder('org/short', shared).answers[weights] = lambda text: text[:-9]
    here.add_folder('org/other', shared).answers[weights] = lambda text: text[::-1]
    hostile = copy_of(shared)
    change(hostile, model__cls_head__type='os.system', files=['model.safetensors'])
    here.add_folder('org/hostile', hostile)
    change(hostile, files=['../../.bashrc'])
    here.add_folder('org/outside', hostile)
    replace(hostile / 'bike_config.json', config.read_bytes().replace(b':', b''))
    here.add_folder('org/no-json', hostile)
    commit = fine.branches['main'][:7]
    get = "cannot download 'bike_config.json' of the model '{}': {}"
    cases = {
        'org/none': get.format('org/none', f'there is no {here.url}/org/none, or it'),
        'org/gated': get.format('org/gated', 'access is given on request only: ask'),
        'org/fine@v9': get.format('org/fine', "it has no revision 'v9': no such br"),
        'org/empty': get.format(
            'org/empty', 'it is no model of bike_mmaction, as push'
        ),
        'org/pickles': 'it has pytorch_model.bin, but no bike_config.json',
        'org/clip': "name them in a config, pretrained='hf-hub:org/clip'",
        'org/no-weights': 'the repository lacks this file, which its bike_config.json',
        'org/short': "of the model 'org/short': OSError: Consistency check failed",
        'org/other': 'its content is not the one that the Hub has told (SHA-256',
        'org/hostile': "model.cls_head.type='os.system' is not allowed in a shared",
        'org/outside': "'../../.bashrc' is no file of a shared model",
        'org/no-json': "the model 'org/no-json' (commit",
        'a/b/c': "expected a name such as 'org/name', or an existing folder",
        'org/x\x1b[2J': 'expected a name such as',
        '../x': 'expected a name such as',
    }
    failures = []
    for name, expected in cases.items():
        message = refusal(name)
        if expected not in message or '\n' in message or '\x1b' in message:
            failures.append(f'{name}: {message or "it is taken"}')
    assert not failures, '\n'.join(failures)
    assert commit and not list(tmp_path.rglob('.bashrc'))
    with calling(here.url, tmp_path / 'other', token=''):
        assert 'or it is private' in refusal('org/secret')
        assert 'or it is private' in refusal('org/secret', token='hf_wrong')
        assert load('org/secret', token=TOKEN).classes


def test_without_a_network_the_cache_is_used_or_named(here, shared, tmp_path):
    here.add_folder('org/cached', shared)
    load('org/cached')
    with calling(here.url, tmp_path / 'cache', offline=True):
        assert load('org/cached').classes
        message = refusal('org/uncached')
    assert 'it is not in the cache, and the Hub cannot be reached (' in message
    del here.requests[:]
    assert load('org/cached', local_files_only=True).classes
    assert not here.requests


def refusal(name, **options):
    try:
        load(name, **options)
    except SharedModelError as error:
        return str(error)
    return ''


def test_what_hinders_a_push_is_told(here, bike, tmp_path):
    for name, token, expected in (
        ('org/name', 'hf_wrong', "cannot upload the model to 'org/name': "),
        ('a/b/c', None, "cannot upload the model to 'a/b/c': "),
    ):
        with pytest.raises(SharedModelError, match=expected):
            bike.push_to_hub(name, token=token)
    assert 'org/name' not in here.repos


def test_commands_share_and_use_models_of_the_hub(here, shared, tmp_path, capsys):
    video = write_video(tmp_path / 'video.mp4', num_frames=9)
    share = ['share', 'hf-hub:org/cli', '--config', str(shared), '--private']
    main([*share, '--classes', 'sea,sun', '--license', 'mit'])
    assert here.repos['org/cli'].private
    assert b'license: mit' in here.repos['org/cli'].files['README.md']
    main(['infer', video, '--config', 'hf-hub:org/cli', '--device', 'cpu'])
    assert re.search('video.mp4: (sea|sun) ', capsys.readouterr().out)
    with pytest.raises(SystemExit, match="bike infer: error: cannot download 'bike_c"):
        main(['infer', video, '--config', 'hf-hub:org/none'])
