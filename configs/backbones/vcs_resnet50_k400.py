# VCS on a ResNet-50 that sees each frame by itself, in MMAction2's
# recognizer for images.
_base_ = '../_base_/vcs_on_mmaction2.py'

from bike_mmaction.recipes import fold_frames

fold_frames(_base_)

model = dict(
    type='Recognizer2D',
    backbone=dict(
        _delete_=True,
        type='ResNet',
        pretrained='torchvision://resnet50',
        depth=50,
        norm_eval=False,
    ),
    cls_head=dict(in_channels=2048, num_segments=8),
)
