# VCS on a ResNet-50 that sees each frame by itself, in the toolbox's
# recognizer for images.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import fold_frames, use_resize

fold_frames(_base_)
use_resize(_base_, 'mmcv')  # as the toolbox trains it

model = dict(
    type='Recognizer2D',
    backbone=dict(
        _delete_=True,
        type='ResNet',
        pretrained='torchvision://resnet50',
        depth=50,
        norm_eval=False,
    ),
    neck=None,
    cls_head=dict(in_channels=2048, num_segments=8),
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
)
