"""MMAction2's own inference API works on the recognizer untouched."""

import pytest
import torch
from mmaction.apis import inference_recognizer, init_recognizer

from tests.kit.configs import load_config, shrink_model


@pytest.mark.parametrize(
    'name,clip_len,size',
    [
        ('bike_vitb32_k400', 8, 224),
        ('bike_vitl14_16f_k400', 16, 224),
        ('bike_vitl14_336_k400', 8, 336),
    ],
)
def test_unlabelled_video_is_recognized(name, clip_len, size, data_root, tmp_path):
    cfg = load_config(name)
    shrink_model(cfg.model)
    cfg.model.cls_head.average_clips = 'score'  # not nearly equal
    model = init_recognizer(cfg, None, device='cpu')
    checkpoint = str(tmp_path / 'model.pth')
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    shapes = []
    model.backbone.register_forward_pre_hook(
        lambda _, inputs: shapes.append(tuple(inputs[0].shape))
    )
    video = f'{data_root}/videos_val/v1.mp4'
    expected = inference_recognizer(model, video).pred_score
    assert shapes == [(1, 3, clip_len, size, size)]
    assert expected.shape == (400,)
    another = init_recognizer(cfg, None, device='cpu')
    scores = inference_recognizer(another, video).pred_score
    assert not torch.allclose(scores, expected)
    loaded = init_recognizer(cfg, checkpoint, device='cpu')
    scores = inference_recognizer(loaded, video).pred_score
    torch.testing.assert_close(scores, expected)
