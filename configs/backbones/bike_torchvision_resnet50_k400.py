# BIKE's recognizer with temporal transformer on a backbone of torchvision.
_base_ = '../bike_vitb32_k400.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='PerFrameBackbone',
        backbone=dict(type='torchvision.resnet50', weights='IMAGENET1K_V2'),
    ),
    neck=dict(embed_dims=2048, num_heads=32),
    cls_head=dict(in_channels=2048),
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
)
