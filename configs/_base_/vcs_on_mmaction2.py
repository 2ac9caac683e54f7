# VCS on a backbone of MMAction2, on Kinetics-400, with images as MMAction2
# trains its models. The configs that begin with this one give the backbone.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import use_resize

use_resize(_base_, 'mmcv')

model = dict(
    type='Recognizer3D',
    neck=None,
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
)
