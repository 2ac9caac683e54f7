# VCS on TimeSformer. It gives one embedding a clip, so that there is nothing
# to weight: BIKE's classes described by text remain.
_base_ = '../_base_/vcs_on_mmaction2.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='TimeSformer',
        pretrained='https://download.openmmlab.com/mmaction/recognition/timesformer/vit_base_patch16_224.pth',
        num_frames=8,
        img_size=224,
        patch_size=16,
        embed_dims=768,
        in_channels=3,
        dropout_ratio=0.0,
        attention_type='divided_space_time',
        norm_cfg=dict(type='LN', eps=1e-6),
    ),
    cls_head=dict(in_channels=768),
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
)
