"""The Python of the pages runs: programs as they are, configs as models."""

import re

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from bike_mmaction.apis import build_recognizer, export
from bike_mmaction.shipped import find_config
from tests.kit.exports import skip_without_export
from tests.kit.pages import PAGES, blocks

SNIPPETS = [block for page in PAGES for block in blocks(page, 'python')]
CONFIGS = [
    s for s in SNIPPETS if re.search(r'^(_base_ =|model = dict\()', s.text, re.M)
]
PROGRAMS = [s for s in SNIPPETS if s not in CONFIGS]


def prepare(desk, text):
    """Write the checkpoint or the export that a program reads."""
    names = [n for n in re.findall(r"'(bike_\w+)'", text) if n != 'bike_mmaction']
    if 'CHECKPOINT.pth' in text:
        desk.write_weights('CHECKPOINT.pth', names[0] if names else desk.config)
    exports = {'bike.onnx': export.export_onnx, 'bike.pt2': export.export_program}
    for path, write in exports.items():
        if path in text:
            # Not of 224 pixels, which no program must take for granted.
            cfg = Config.fromfile(find_config('bike_vitl14_336_k400'))
            cfg.model.neck = None
            cfg.model.cls_head.update(num_classes=3, class_names=['a', 'b', 'c'])
            write(build_recognizer(cfg), path)


@pytest.mark.parametrize('block', PROGRAMS, ids=str)
def test_program_runs(block, desk, capsys):
    if re.search(r'bike\.(onnx|pt2)', block.text):
        skip_without_export()
    prepare(desk, block.text)
    exec(compile(block.text, str(block), 'exec'), {'__name__': '__main__'})
    assert 'print' not in block.text or capsys.readouterr().out.strip()


@pytest.mark.parametrize('block', CONFIGS, ids=str)
def test_config_builds_and_learns(block, desk):
    """Its model has a loss with a gradient, and recognizes."""
    with open('my_config.py', 'w', encoding='utf-8') as file:
        file.write(block.text)
    cfg = Config.fromfile('my_config.py')
    model = MODELS.build(cfg.model)
    frames, size = clip_shape(cfg)
    frames = min(frames, 2)  # of real sizes, whose time is all that more would cost
    clip = torch.randint(256, (1, 3, frames, size, size), dtype=torch.uint8)
    if cfg.model.type == 'Recognizer2D':  # frames are images of any size
        clip = clip[0, ..., :32, :32].transpose(0, 1)  # [T, 3, H, W]
    samples = [ActionDataSample().set_gt_label(label) for label in (0, 1)]
    for sample in samples:
        sample.set_metainfo(dict(filename='video.mp4'))
        sample.set_field(['a dog'], 'attributes')
    batch = model.data_preprocessor(
        dict(inputs=[clip, clip.flip(-1)], data_samples=samples), training=True
    )
    losses = model(**batch, mode='loss')
    losses['loss_cls'].backward()
    assert any(p.grad is not None and p.grad.any() for p in model.parameters())
    with torch.no_grad():  # one, of which a config may part the views
        (first,) = model.eval()(batch['inputs'][:1], samples[:1], mode='predict')
    assert first.pred_score.shape == (cfg.model.cls_head.num_classes,)


def clip_shape(cfg):
    """Frames and pixels of a clip, 8 and 224 where a config does not say."""
    dataset = (cfg.get('train_dataloader') or cfg.get('test_dataloader') or {}).get(
        'dataset', {}
    )
    steps = dataset.get('dataset', dataset).get('pipeline', [])
    frames, size = 8, 224
    for step in steps:
        if 'clip_len' in step:
            frames = step.clip_len * step.get('num_clips', 1)
        if step.type.endswith('Resize') and not step.get('keep_ratio', True):
            size = step.scale[0]
    return frames, size
