# VCS on TimeSformer. It gives one embedding a clip, so that there is nothing
# to weight: BIKE's classes described by text remain.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import use_resize

use_resize(_base_, 'mmcv')  # as the toolbox trains it

model = dict(
    type='Recognizer3D',
    backbone=dict(
        _delete_=True,
        type='TimeSformer',
        pretrained='https://download.openmmlab.com/mmaction/recognition/timesformer/vit_base_patch16_224.pth',
        num_frames=8,
        img_size=224,
        patch_size=16,
        embed_dims=768,
        in_channels=3,
        dropout_ratio=0.0,
        attention_type='divided_space_time',
        norm_cfg=dict(type='LN', eps=1e-6),
    ),
    neck=None,
    cls_head=dict(in_channels=768),
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
)
