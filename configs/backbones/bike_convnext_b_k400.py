# BIKE on OpenCLIP's ConvNeXt.
_base_ = '../bike_vitb32_k400.py'

arch = 'convnext_base'
pretrained = 'laion400m_s13b_b51k'

model = dict(
    backbone=dict(arch=arch, pretrained=pretrained),
    neck=dict(embed_dims=512, num_heads=8),
    cls_head=dict(in_channels=512, text_encoder=dict(arch=arch, pretrained=pretrained)),
)
