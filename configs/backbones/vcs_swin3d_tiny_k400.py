# VCS on Video Swin: saliency over pairs of frames, which its patches join.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import use_resize

use_resize(_base_, 'mmcv')  # as the toolbox trains it

model = dict(
    type='Recognizer3D',
    backbone=dict(
        _delete_=True,
        type='SwinTransformer3D',
        arch='tiny',
        pretrained='https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin_tiny_patch4_window7_224.pth',
        pretrained2d=True,
        patch_size=(2, 4, 4),
        window_size=(8, 7, 7),
        mlp_ratio=4.0,
        qkv_bias=True,
        drop_path_rate=0.1,
        patch_norm=True,
    ),
    neck=None,
    cls_head=dict(in_channels=768),
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
)
