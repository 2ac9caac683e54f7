"""The authors' layout, and back; without tensors lost or made up."""

import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.checkpoint import from_released, to_released
from tests.golden import fixture
from tests.kit.models import temporal_transformer, video_branch
from tests.kit.tools import run_tool


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
