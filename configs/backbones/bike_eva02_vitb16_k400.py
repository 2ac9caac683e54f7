# BIKE on EVA-02-CLIP.
_base_ = '../bike_vitb32_k400.py'

arch = 'EVA02-B-16'
pretrained = 'merged2b_s8b_b131k'

model = dict(
    backbone=dict(arch=arch, pretrained=pretrained),
    neck=dict(embed_dims=512, num_heads=8),
    cls_head=dict(in_channels=512, text_encoder=dict(arch=arch, pretrained=pretrained)),
)
