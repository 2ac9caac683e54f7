# VCS on a ResNet-50 with temporal shift (TSM).
_base_ = 'vcs_resnet50_k400.py'

model = dict(backbone=dict(type='ResNetTSM', num_segments=8, shift_div=8))
