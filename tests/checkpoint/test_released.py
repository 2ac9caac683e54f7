"""The authors' layout, and back; without tensors lost or made up."""

import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.checkpoint import from_released, load_from_local, to_released
from tests.golden import fixture
from tests.kit.models import temporal_transformer, video_branch
from tests.kit.tools import run_process, run_tool


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_every_tensor_is_used_and_the_inverse_gives_them_back(prefix):
    released = fixture.checkpoint(prefix=prefix)
    done = from_released(released)
    assert done.unused == []
    neck = temporal_transformer(num_layers=6)
    model = MODELS.build(video_branch(fixture.CLASSES, neck=neck))
    assert set(done.checkpoint['state_dict']) == set(model.state_dict())
    back = to_released(done.checkpoint)
    assert back.unused == []
    for part in ('model_state_dict', 'fusion_model_state_dict'):
        for name, tensor in released[part].items():
            torch.testing.assert_close(
                back.checkpoint[part][name[len(prefix) :]], tensor
            )
    assert back.checkpoint['epoch'] == released['epoch']


def test_tensors_without_a_place_are_named():
    released = fixture.checkpoint()
    released['fusion_model_state_dict']['surprise.weight'] = torch.ones(1)
    released['model_state_dict']['input_resolution'] = torch.tensor(32)
    released['model_state_dict']['other.weight'] = torch.ones(1)
    assert from_released(released).unused == [
        'model_state_dict/input_resolution',
        'model_state_dict/other.weight',
        'fusion_model_state_dict/surprise.weight',
    ]


def test_tool_reports_key_by_key(tmp_path, capsys):
    src, dst, back = (tmp_path / n for n in ('a.pt', 'b.pth', 'c.pt'))
    torch.save(fixture.checkpoint(), src)
    run_tool('convert_checkpoint', src, dst)
    report = capsys.readouterr().out
    assert (
        'fusion_model_state_dict/frame_position_embeddings.weight -> '
        'neck.frame_position_embeddings.weight'
    ) in report
    assert ', 0 not used; ' in report
    run_tool('convert_checkpoint', dst, back, '--inverse')
    with pytest.raises(SystemExit, match="a.pt': already in the authors' layout"):
        run_tool('convert_checkpoint', src, dst, '--inverse')
    assert (
        torch.load(back)['model_state_dict'].keys()
        == fixture.checkpoint()['model_state_dict'].keys()
    )


def test_weights_alone_with_their_digest(tmp_path, monkeypatch):
    """Of the authors' file and of a trained one, whose tensors share memory."""
    shared = torch.ones(4, 4)
    trained = dict(state_dict=dict(a=shared, b=shared.T), optimizer=dict(x=1))
    torch.save(trained, tmp_path / 'epoch_1.pth')
    torch.save(fixture.checkpoint(), tmp_path / 'theirs.pt')
    for name in ('epoch_1.pth', 'theirs.pt'):
        out = str(tmp_path / f'{name}.safetensors')
        run_tool('convert_checkpoint', tmp_path / name, out)
        done = run_process('sha256sum', '-c', f'{out}.sha256', cwd=tmp_path)
        assert done.returncode == 0, done
        loaded = load_from_local(out)['state_dict']
        expected = trained
        if name == 'theirs.pt':
            expected = from_released(fixture.checkpoint()).checkpoint
        assert loaded.keys() == expected['state_dict'].keys()
        for key, tensor in expected['state_dict'].items():
            assert torch.equal(loaded[key], tensor)
    monkeypatch.setenv('BIKE_CHECK_SHA256', '1')
    load_from_local(out)
    load_from_local(str(tmp_path / 'epoch_1.pth'))  # it has none
    content = bytearray((tmp_path / 'theirs.pt.safetensors').read_bytes())
    content[-1] ^= 1
    (tmp_path / 'theirs.pt.safetensors').write_bytes(content)
    with pytest.raises(RuntimeError, match='is not the file whose SHA-256'):
        load_from_local(out)
    (tmp_path / 'theirs.pt.safetensors.sha256').unlink()
    with pytest.raises(RuntimeError, match='sha256sum .* would write it'):
        load_from_local(out)
    monkeypatch.setenv('BIKE_CHECK_SHA256', '0')
    load_from_local(out)
    with pytest.raises(SystemExit, match='reads no .safetensors'):
        run_tool('convert_checkpoint', tmp_path / 'theirs.pt', out, '--inverse')


@pytest.mark.parametrize(
    'content,message',
    [
        (None, 'does not exist'),
        (dict(state_dict={}), "'model_state_dict' is missing"),
        ([1, 2], 'holds a list'),
        (
            dict(state_dict={'backbone.visual.proj': torch.ones(1)}),
            "already in this project's layout: use it as it is",
        ),
    ],
)
def test_tool_refuses_other_files(content, message, tmp_path):
    src = tmp_path / 'a.pt'
    if content is not None:
        torch.save(content, src)
    with pytest.raises(SystemExit) as end:
        run_tool('convert_checkpoint', src, tmp_path / 'b.pth')
    assert str(src) in end.value.code and message in end.value.code
