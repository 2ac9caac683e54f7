# VCS on a ResNet-50 with temporal shift (TSM).
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.datasets.pipelines import fold_frames

fold_frames(_base_)

model = dict(
    type='Recognizer2D',
    backbone=dict(
        _delete_=True,
        type='ResNetTSM',
        pretrained='torchvision://resnet50',
        depth=50,
        num_segments=8,
        norm_eval=False,
        shift_div=8),
    neck=None,
    cls_head=dict(in_channels=2048, num_segments=8),
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
