"""MMAction2's own inference API works on the recognizer untouched."""
import os.path as osp

import torch
from helpers import shrink
from mmaction.apis import inference_recognizer, init_recognizer
from mmengine.config import Config

ROOT = osp.join(osp.dirname(__file__), '..')


def test_unlabelled_video_is_recognized(data_root, tmp_path):
    cfg = shrink(
        Config.fromfile(osp.join(ROOT, 'configs/bike_vitb32_k400.py')),
        data_root, tmp_path)
    model = init_recognizer(cfg, None, device='cpu')
    checkpoint = str(tmp_path / 'model.pth')
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    other = init_recognizer(cfg, checkpoint, device='cpu')
    video = f'{data_root}/videos_val/v1.mp4'
    expected = inference_recognizer(model, video)
    found = inference_recognizer(other, video)
    assert found.pred_score.shape == (400, )
    torch.testing.assert_close(found.pred_score, expected.pred_score)
