# VCS on UniFormerV2, itself built on CLIP's ViT-B/16. One embedding a clip.
_base_ = '../bike_vitb32_k400.py'

model = dict(
    type='Recognizer3D',
    backbone=dict(
        _delete_=True,
        type='UniFormerV2',
        input_resolution=224,
        patch_size=16,
        width=768,
        layers=12,
        heads=12,
        t_size=8,
        dw_reduction=1.5,
        temporal_downsample=False,
        no_lmhra=True,
        double_lmhra=True,
        return_list=[8, 9, 10, 11],
        n_layers=4,
        n_dim=768,
        n_head=12,
        mlp_factor=4.0,
        mlp_dropout=[0.5, 0.5, 0.5, 0.5],
        clip_pretrained=True,
        pretrained='ViT-B/16',
    ),
    neck=None,
    cls_head=dict(in_channels=768),
)
