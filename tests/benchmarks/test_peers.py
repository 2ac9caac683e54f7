"""Other models in the same run: of the same size, on the same batch."""

import json

import pytest
from mmengine.config import Config

from bike_mmaction.benchmarks.counting import COUNTS
from bike_mmaction.benchmarks.measuring import Report
from bike_mmaction.benchmarks.models import Subject
from bike_mmaction.benchmarks.peers import (
    X_CLIP,
    PeerConfig,
    XClip,
    make_peer,
    x_clip_config,
)
from bike_mmaction.benchmarks.steps import OURS, TOWER, benchmark_steps
from bike_mmaction.cli import benchmark_arguments
from bike_mmaction.shipped import find_mmaction_config
from tests.kit.configs import load_tiny
from tests.kit.models import CLASSES, tiny_arch

TSM = 'tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb'
MAE = 'vit-base-p16_videomae-k400-pre_16x4x1_kinetics-400'


def make_subject(views):
    config = load_tiny('bike_vitb32_k400', CLASSES)
    return Subject(config, videos=2, views=views, precision='fp32', device='cpu')


@pytest.fixture(scope='module')
def subject():
    return make_subject(views=2)


def recognizer(name, **backbone):
    """Of MMAction2, with fewer layers."""
    config = Config.fromfile(find_mmaction_config(name))
    config.model.backbone.update(backbone)
    return PeerConfig(name, config)


def test_peers_take_part(tmp_path):
    """Each by turns with ours; a model that cannot is told, and the rest goes on."""
    out = tmp_path / 'out.json'
    broken = recognizer(MAE, depth='many')
    peers = [PeerConfig(X_CLIP), broken, recognizer(TSM, depth=18)]
    peers[2].config.model.cls_head.in_channels = 512
    subject = make_subject(views=1)
    benchmark_steps(subject, 'train', '', Report('', str(out)), 1, peers=peers)
    rows = {
        row['name'][len(', ') :]: row for row in json.loads(out.read_text())['figures']
    }
    assert list(rows) == [MAE, OURS, TOWER, X_CLIP, TSM]
    assert 'linspace' in rows[MAE]['does_not_run_here']
    assert all(rows[name]['ratio_to_BIKE']['low'] > 0 for name in (X_CLIP, TSM))
    if COUNTS:  # attention between frames, and words after pictures, are more
        tower, peer = (rows[name]['TFLOPs_a_batch'] for name in (TOWER, X_CLIP))
        assert tower < peer < 2 * tower


def test_x_clip_is_of_the_same_size(subject):
    """Its image tower has CLIP's blocks, beside what X-CLIP adds to each."""
    x_clip = XClip(subject)
    layers = x_clip.x_clip.vision_model.encoder.layers
    blocks = subject.tower.transformer.resblocks
    assert len(layers) == len(blocks)
    own = sum(p.numel() for name, p in layers.named_parameters() if 'mess' not in name)
    assert own == sum(p.numel() for p in blocks.parameters())
    names = [name for name, p in x_clip.named_parameters() if p.requires_grad]
    assert names and not any('text' in name for name in names)
    data = x_clip.data_preprocessor(subject.data)
    scores = x_clip(**data, mode='predict')
    assert scores.shape == (2, len(CLASSES))  # means over the views


def test_recognizers_get_the_same_clips(subject):
    """Frames and size are those of the subject, in the layout of each."""
    for peer, shape in (
        (recognizer(TSM), (8, 3, 32, 32)),
        (recognizer(MAE, depth=1), (2, 3, 4, 32, 32)),
    ):
        model, data = make_peer(peer, subject)
        assert {one.shape for one in data['inputs']} == {shape}
        assert model.cls_head.num_classes == 400
    assert model.backbone.patch_embed.projection.weight.shape[2] == 2
    assert model.backbone.pos_embed.shape[1] == 4 // 2 * (32 // 16) ** 2


def test_convolutional_towers_have_no_x_clip():
    arch = tiny_arch()
    arch['vision_cfg'] = dict(arch['vision_cfg'], timm_model_name='convnext_tiny')
    with pytest.raises(ValueError, match='vision transformers of open_clip alone'):
        x_clip_config(arch, 4)


@pytest.mark.parametrize(
    'peer, said',
    [
        ('x-clip', 'pip install transformers'),
        (TSM.replace('8xb16', '8xb15'), f"did you mean '{TSM}'"),
    ],
)
def test_peers_that_are_not_there(peer, said, monkeypatch):
    find_spec = benchmark_arguments.importlib.util.find_spec
    monkeypatch.setattr(
        benchmark_arguments.importlib.util,
        'find_spec',
        lambda name: None if name == 'transformers' else find_spec(name),
    )
    parser = benchmark_arguments.parser()
    with pytest.raises((ModuleNotFoundError, FileNotFoundError)) as error:
        benchmark_arguments.check(parser, parser.parse_args(['test', '--peer', peer]))
    assert said in str(error.value)
