# VCS on Video Swin: saliency over pairs of frames, which its patches join.
_base_ = '../_base_/vcs_on_mmaction2.py'

model = dict(
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
    cls_head=dict(in_channels=768),
)
