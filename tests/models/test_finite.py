"""Scores that are NaN or infinite are an error that names the cause."""

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from bike_mmaction.apis.building import build_recognizer
from bike_mmaction.apis.inference.inferencer import BIKEInferencer
from bike_mmaction.errors import NonFiniteError
from bike_mmaction.models.association import association_model
from bike_mmaction.models.finite import non_finite_tensors
from tests.golden import fixture
from tests.kit.models import attributes_branch, both_branches, vcs_head, video_branch

NAMES = fixture.CLASSES
PROJECTION = 'backbone.visual.proj'


def config(video=True, attributes=False, **head):
    """``head``: options of the video branch."""
    if not video:
        return attributes_branch(NAMES)
    return (both_branches if attributes else video_branch)(
        NAMES, cls_head=vcs_head(NAMES, **head)
    )


def build(*args, **kwargs):
    return MODELS.build(config(*args, **kwargs)).eval()


def predict(model, inputs):
    samples = []
    for i, phrases in enumerate(fixture.ATTRIBUTES[:2]):
        sample = ActionDataSample(metainfo=dict(filename=f'v{i}.mp4'))
        sample.set_field(list(phrases), 'attributes')
        samples.append(sample)
    with torch.no_grad():
        return model(inputs, samples, mode='predict')


def videos(views=1):
    return torch.randn(2, views, 3, 8, 32, 32)


def spoil(model, name, value=float('inf')):
    """One number of a checkpoint."""
    model.get_parameter(name).data.view(-1)[3] = value


@pytest.mark.parametrize('value', [float('inf'), float('-inf'), float('nan')])
@pytest.mark.parametrize(
    'options, views',
    [
        (dict(), 1),
        (dict(), 6),
        (dict(keep_scores=True), 1),  # frames that vote
        (dict(aggregation='mean', average_clips='score'), 1),
        (dict(attributes=True), 1),
    ],
)
def test_weights_of_the_video_branch(options, views, value):
    model = build(**options)
    predict(model, videos(views))
    spoil(model, PROJECTION, value)
    with pytest.raises(
        NonFiniteError, match=f"'v0.mp4' are not finite.*{PROJECTION} .1 of 8192 values"
    ):
        predict(model, videos(views))


@pytest.mark.parametrize('video', [True, False])
def test_weights_of_the_attributes_branch(video):
    model = build(video, attributes=True)
    inputs = videos() if video else {}
    predict(model, inputs)
    spoil(model, 'attributes_head.query_fc.2.weight')
    with pytest.raises(NonFiniteError, match='attributes_head.query_fc.2.wei'):
        predict(model, inputs)


def test_overflow_of_the_attributes_branch():
    """In a test by ``fp16=True``, for example."""
    model = build(video=False, attributes=True)
    with torch.autocast('cpu', torch.bfloat16):
        assert predict(model, {})[0].pred_score.isfinite().all()
        model.attributes_head.sentence_fc[2].weight.data.fill_(3e38)
        with pytest.raises(NonFiniteError, match='the precision is to blame'):
            predict(model, {})


def test_finite_weights_are_not_blamed():
    inputs = videos()
    inputs[1, 0, 0, 2] = float('nan')
    with pytest.raises(NonFiniteError, match="'v1.mp4' are .*All weights .*the input"):
        predict(build(), inputs)


def test_lexicon_is_not_searched_with_such_weights():
    """Nor are attributes generated: it is the same recognizer."""
    model = association_model(
        dict(config(), backbone=dict(config()['backbone'], pretrained='x')), NAMES
    )
    for tower in (model['backbone'], model['cls_head']['text_encoder']):
        tower['pretrained'] = None
    model = MODELS.build(model).eval()
    spoil(model, 'cls_head.text_encoder.text.text_projection')
    with pytest.raises(NonFiniteError, match='text.text_projection'):
        predict(model, videos())


def test_masks_may_be_infinite():
    model = build()
    model.register_buffer('mask', torch.full((2, 2), float('-inf')))
    model.register_buffer('count', torch.tensor(3))
    assert non_finite_tensors(model) == []
    model.mask[0] = float('nan')
    assert non_finite_tensors(model) == ['mask (2 of 4 values)']


@pytest.fixture
def recognizer(tmp_path):
    """Config and checkpoint, as for the inferencer and for export."""
    from mmengine.config import Config

    cfg = Config(
        dict(
            model=dict(
                config(),
                data_preprocessor=dict(
                    type='ActionDataPreprocessor',
                    mean=[0.0] * 3,
                    std=[1.0] * 3,
                    format_shape='NCTHW',
                ),
            ),
            test_pipeline=[
                dict(type='VideoInit'),
                dict(type='SparseSampleFrames', clip_len=8, test_mode=True),
                dict(type='VideoDecode'),
                dict(type='Resize', scale=(32, 32), keep_ratio=False),
                dict(type='FormatShape', input_format='NCTHW'),
                dict(type='PackActionInputs'),
            ],
        )
    )
    model, path = MODELS.build(cfg.model), str(tmp_path / 'model.pth')
    torch.save(dict(state_dict=model.state_dict()), path)
    spoil(model, PROJECTION)
    torch.save(dict(state_dict=model.state_dict()), f'{path}.inf')
    return cfg, path


def test_own_videos_and_export_refuse_the_checkpoint(recognizer):
    cfg, path = recognizer
    for use in (BIKEInferencer, build_recognizer):
        with pytest.raises(
            NonFiniteError, match=f"not finite in '.*inf': {PROJECTION}"
        ):
            use(cfg, f'{path}.inf')


def test_own_videos_refuse_what_means_nothing(recognizer):
    bike = BIKEInferencer(*recognizer, device='cpu')
    frames = np.random.randint(0, 255, (16, 32, 32, 3), np.uint8)
    assert bike(frames)[0].label in NAMES
    bike.head.logit_scale.data.fill_(99.0)  # finite, but for its exponential
    with pytest.raises(NonFiniteError, match="'array'.*are finite.*size"):
        bike(frames)
    bike.head.logit_scale.data.fill_(1.0)
    bike.model.data_preprocessor.std.fill_(0)
    with pytest.raises(NonFiniteError, match="'array'.*the input or the prec"):
        bike(frames)
