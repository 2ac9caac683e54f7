# CLIP's image encoder under MMAction2's TSN head.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import fold_frames

fold_frames(_base_)

model = dict(
    type='Recognizer2D',
    backbone=dict(as_feature_map=True),
    neck=None,
    cls_head=dict(
        _delete_=True,
        type='TSNHead',
        num_classes=400,
        in_channels=512,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.5,
        init_std=0.01,
        average_clips='prob',
    ),
)
