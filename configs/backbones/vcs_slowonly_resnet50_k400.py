# VCS on SlowOnly, which keeps the 8 frames apart.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import use_resize

use_resize(_base_, 'mmcv')  # as the toolbox trains it

model = dict(
    type='Recognizer3D',
    backbone=dict(
        _delete_=True,
        type='ResNet3dSlowOnly',
        depth=50,
        pretrained='torchvision://resnet50',
        lateral=False,
        conv1_kernel=(1, 7, 7),
        conv1_stride_t=1,
        pool1_stride_t=1,
        inflate=(0, 0, 1, 1),
        norm_eval=False,
    ),
    neck=None,
    cls_head=dict(in_channels=2048),
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
)
