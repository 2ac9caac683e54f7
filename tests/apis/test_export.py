"""The video branch as ONNX and as a torch.export program."""

import json
import os
import os.path as osp
import resource
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config

from bike_mmaction import __version__
from bike_mmaction.apis import BIKEInferencer, export
from bike_mmaction.apis.inference.sources import SourceReader, find_sources
from tests.kit.exports import (
    BACKBONES,
    build,
    needs_torch,
    predictions,
    require_onnx,
    small_config,
)
from tests.kit.models import FOUR_CLASSES
from tests.kit.videos import write_video


@pytest.fixture(scope='module')
def onnx():
    return require_onnx()


@pytest.fixture(scope='module')
def cfg():
    return small_config()


@pytest.fixture(scope='module')
def recognizer(cfg):
    return build(cfg)


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('export')
    return [write_video(folder / f'v{i}.mp4', seed=i) for i in range(3)]


@pytest.fixture(scope='module')
def frames(cfg, videos):
    """Decoded by the config's own pipeline, [3, 3, 4, 32, 32]."""
    read = SourceReader(cfg.test_dataloader.dataset.pipeline)
    return np.concatenate(
        [read(find_sources(v)[0])['inputs'].numpy() for v in videos]
    ).astype('f')


def assert_same(run, model, frames):
    """What a file gives for three videos and for one, and the recognizer."""
    branch, _ = export.video_branch(model)
    for part in (frames, frames[:1]):
        expected, actual = branch.recognize(torch.from_numpy(part)), run(part)
        assert set(actual) == set(expected) == set(export.OUTPUTS)
        for name, value in expected.items():
            np.testing.assert_allclose(
                actual[name], value, atol=1e-4, rtol=0, err_msg=name
            )
    scores = actual['scores']
    assert np.ptp(scores) > 1e-2  # classes differ, by far more than 1e-4
    assert np.ptp(run(frames)['scores'], axis=0).max() > 1e-2  # and videos


@pytest.fixture(scope='module')
def onnx_file(onnx, recognizer, tmp_path_factory):
    path = str(tmp_path_factory.mktemp('onnx') / 'new' / 'model.onnx')
    worst = export.export_onnx(recognizer, path)  # makes the folder
    assert set(worst) == set(export.OUTPUTS) and max(worst.values()) < 1e-4
    assert os.listdir(osp.dirname(path)) == ['model.onnx']
    return path


@pytest.fixture(scope='module')
def program_file(recognizer, tmp_path_factory):
    path = str(tmp_path_factory.mktemp('program') / 'model.pt2')
    worst = export.export_program(recognizer, path)
    assert set(worst) == set(export.OUTPUTS) and max(worst.values()) < 1e-4
    return path


@pytest.fixture(params=['onnx_file', pytest.param('program_file', marks=needs_torch)])
def written(request):
    """A file, and the function that reads it."""
    path = request.getfixturevalue(request.param)
    read = export.read_onnx if request.param == 'onnx_file' else export.read_program
    return path, read(path)


def test_gives_what_the_recognizer_gives(
    written, recognizer, cfg, videos, frames, tmp_path
):
    path, run = written
    assert_same(run, recognizer, frames)
    np.testing.assert_allclose(
        run(frames)['scores'], predictions(recognizer, frames), atol=1e-4
    )
    torch.save(dict(state_dict=recognizer.state_dict()), tmp_path / 'x.pth')
    bike = BIKEInferencer(Config(cfg.to_dict()), str(tmp_path / 'x.pth'), device='cpu')
    outputs = run(frames)
    for row, actual in enumerate(bike(videos, topk=4)):
        for name, value in actual.predictions:
            k = FOUR_CLASSES.index(name)
            assert outputs['confidences'][row, k] == pytest.approx(value, abs=1e-4)
            np.testing.assert_allclose(
                outputs['saliency'][row, k], actual.saliency[name], atol=1e-4
            )


def test_text_tower_stays_behind(written, recognizer):
    whole = sum(p.numel() for p in recognizer.parameters())
    text = sum(p.numel() for p in recognizer.cls_head.text_encoder.parameters())
    assert text > 0.9 * whole  # mostly its vocabulary
    assert osp.getsize(written[0]) < 0.2 * 4 * whole


def test_onnx_describes_itself(onnx_file, recognizer, cfg):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        onnx_file, providers=['CPUExecutionProvider']
    )
    (frames,) = session.get_inputs()
    assert (frames.name, frames.type) == ('frames', 'tensor(float)')
    assert isinstance(frames.shape[0], str)  # any
    assert frames.shape[1:] == [3, 4, 32, 32]
    actual = {o.name: o.shape[1:] for o in session.get_outputs()}
    assert actual == dict(scores=[4], confidences=[4], saliency=[4, 4])
    known = session.get_modelmeta().custom_metadata_map
    assert json.loads(known['class_names']) == FOUR_CLASSES
    assert json.loads(known['prompt']) == recognizer.cls_head.prompt
    assert known['bike_mmaction'] == __version__
    assert 'frames [B, 3, 4, 32, 32]' in known['input']
    assert 'RGB from 0 to 255' in known['input']
    assert known['pipeline'] == json.dumps(cfg.test_pipeline)


ALONE = """
import json, sys, numpy, torch
extra = {'metadata.json': ''}
program = torch.export.load(sys.argv[1], extra_files=extra)
frames = torch.from_numpy(numpy.load(sys.argv[2]))
with torch.no_grad():
    outputs = program.module()(frames)
numpy.savez(sys.argv[3], **{k: v.numpy() for k, v in outputs.items()})
assert not {'bike_mmaction', 'mmaction', 'open_clip'} & set(sys.modules)
print(extra['metadata.json'])
"""


@needs_torch
def test_program_needs_torch_alone(program_file, recognizer, frames, tmp_path):
    paths = [str(tmp_path / name) for name in ('in.npy', 'out.npz')]
    np.save(paths[0], frames)
    printed = subprocess.run(
        [sys.executable, '-c', ALONE, program_file, *paths],
        check=True,
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=''),
        stdout=subprocess.PIPE,
    ).stdout
    known = json.loads(printed)
    assert json.loads(known['class_names']) == FOUR_CLASSES
    outputs = dict(np.load(paths[1]))
    assert_same(
        lambda part: {k: v[: len(part)] for k, v in outputs.items()}, recognizer, frames
    )


VARIANTS = dict(
    name=dict(words='name'),
    mean=dict(aggregation='mean'),
    words=dict(recognition_source='word', renormalize=True),
    classes=dict(saliency_source='class', prompt=['{}', 'video of {}']),
)


def check_head(variant, usual, frames, path):
    """The file has the option, which does something."""
    model = build(small_config(**VARIANTS[variant]))
    if path.endswith('.onnx'):
        export.export_onnx(model, path)
        run = export.read_onnx(path)
    else:
        export.export_program(model, path)
        run = export.read_program(path)
    assert_same(run, model, frames)
    actual, clips = run(frames), torch.from_numpy(frames)
    other = export.video_branch(usual)[0].recognize(clips)
    assert (
        max(
            np.abs(actual[name] - other[name].numpy()).max()
            for name in ('scores', 'saliency')
        )
        > 1e-3
    )


@pytest.mark.parametrize('variant', ['name', 'mean'])
def test_heads_as_onnx(onnx, variant, recognizer, frames, tmp_path):
    check_head(variant, recognizer, frames, str(tmp_path / 'model.onnx'))


@needs_torch
@pytest.mark.parametrize('variant', ['words', 'classes'])
def test_heads_as_program(variant, recognizer, frames, tmp_path):
    check_head(variant, recognizer, frames, str(tmp_path / 'model.pt2'))


@needs_torch
@pytest.mark.parametrize('make', BACKBONES)
def test_backbones(make, tmp_path):
    model = build(make())
    path = str(tmp_path / 'model.pt2')
    assert max(export.export_program(model, path).values()) < 1e-4
    branch, _ = export.video_branch(model)
    assert branch.shape == (3, 4, 32, 32)
    scores = export.read_program(path)(branch.random_frames(3).numpy())
    assert np.ptp(scores['scores'], axis=0).max() > 1e-3


@needs_torch
def test_fixed_batch_size(recognizer, frames, tmp_path):
    path = str(tmp_path / 'model.pt2')
    export.export_program(recognizer, path, batch=1)
    run, branch = export.read_program(path), export.video_branch(recognizer)[0]
    np.testing.assert_allclose(
        run(frames[:1])['scores'],
        branch.recognize(torch.from_numpy(frames[:1]))['scores'],
        atol=1e-4,
    )
    with pytest.raises(Exception, match='size|shape'):
        run(frames)


@needs_torch
def test_differences_are_errors(cfg, program_file):
    """Of a file made before the weights changed; and of one with NaN."""
    model = build(cfg)
    branch, _ = export.video_branch(model)
    run = export.read_program(program_file)
    export.compare(branch, run)
    with pytest.raises(RuntimeError, match='saliency differ .* by nan'):
        export.compare(branch, lambda x: dict(run(x), saliency=np.float32('nan')))
    with torch.no_grad():
        model.backbone.visual.proj.mul_(torch.rand(128, 64))
    with pytest.raises(RuntimeError, match='scores differ .* at most 1e-04'):
        export.compare(branch, run)


@needs_torch
def test_an_unfit_file_replaces_none(recognizer, tmp_path, monkeypatch):
    path = tmp_path / 'model.pt2'
    path.write_text('as before')
    monkeypatch.setitem(export.TOLERANCES, 'confidences', -1.0)
    with pytest.raises(RuntimeError, match='confidences differ'):
        export.export_program(recognizer, str(path))
    assert os.listdir(tmp_path) == ['model.pt2']
    assert path.read_text() == 'as before'


@needs_torch
def test_a_full_disk_is_told(recognizer, tmp_path):
    """In a process of its own: torch can abort it while it writes a file."""
    path = tmp_path / 'model.pt2'
    path.write_text('as before')
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            export.export_program(recognizer, str(path), check=False)
        except OSError as error:
            os._exit(str(error) != f"cannot write '{path}': File too large")
        finally:
            os._exit(2)  # whatever it is: the other tests are not its to run
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert os.listdir(tmp_path) == ['model.pt2']
    assert path.read_text() == 'as before'


@needs_torch
def test_what_torch_cannot_export(recognizer, tmp_path, monkeypatch):
    """A branch that reads the batch: torch's reason, in a line."""
    monkeypatch.setattr(
        type(recognizer.backbone),
        'forward',
        lambda self, x: x.mean((1, 3, 4)) if x.max() > 0 else None,
    )
    with pytest.raises(RuntimeError, match='torch.export .* cannot export'):
        export.export_program(recognizer, str(tmp_path / 'model.pt2'))
    assert not os.listdir(tmp_path)


def test_opset_that_cannot_be(onnx, recognizer, tmp_path):
    with pytest.raises(RuntimeError, match='with opset 3; torch made it'):
        export.export_onnx(recognizer, str(tmp_path / 'm.onnx'), opset=3)
    assert not os.listdir(tmp_path)
