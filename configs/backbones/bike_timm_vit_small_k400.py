# BIKE's recognizer with temporal transformer on a backbone of timm.
_base_ = '../bike_vitb32_k400.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='PerFrameBackbone',
        backbone=dict(type='timm.vit_small_patch16_224', pretrained=True),
    ),
    neck=dict(embed_dims=384, num_heads=6),
    cls_head=dict(in_channels=384),
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
)
