# BIKE's recognizer with temporal transformer on a backbone of mmpretrain.
_base_ = '../bike_vitb32_k400.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='PerFrameBackbone',
        backbone=dict(
            type='mmpretrain.ConvNeXt',
            arch='tiny',
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://download.openmmlab.com/mmclassification/v0/convnext/convnext-tiny_32xb128_in1k_20221207-998cf3e9.pth',
                prefix='backbone.',
            ),
        ),
    ),
    neck=dict(embed_dims=768, num_heads=12),
    cls_head=dict(in_channels=768),
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
)
