# VCS on the ViT of VideoMAE, with 16 frames. One embedding a clip.
_base_ = '../_base_/vcs_on_mmaction2.py'

from bike_mmaction.recipes import set_clip_len

set_clip_len(_base_, 16)

model = dict(
    backbone=dict(
        _delete_=True,
        type='VisionTransformer',
        img_size=224,
        patch_size=16,
        embed_dims=768,
        depth=12,
        num_heads=12,
        mlp_ratio=4,
        qkv_bias=True,
        num_frames=16,
        norm_cfg=dict(type='LN', eps=1e-6),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmaction/v1.0/recognition/videomae/vit-base-p16_videomae-k400-pre_16x4x1_kinetics-400_20221013-860a3cd3.pth',
            prefix='backbone.',
        ),
    ),
    cls_head=dict(in_channels=768),
)
