# CLIP's image encoder under MMAction2's I3D head.
_base_ = '../bike_vitb32_k400.py'

model = dict(
    type='Recognizer3D',
    backbone=dict(as_feature_map=True),
    neck=None,
    cls_head=dict(
        _delete_=True,
        type='I3DHead',
        num_classes=400,
        in_channels=512,
        spatial_type='avg',
        dropout_ratio=0.5,
        init_std=0.01,
        average_clips='prob',
    ),
)
