# BIKE on OpenCLIP's ConvNeXt, whose embeddings are as wide as ViT-B/32's.
_base_ = '../bike_vitb32_k400.py'

arch = 'convnext_base'
pretrained = 'laion400m_s13b_b51k'

model = dict(
    backbone=dict(arch=arch, pretrained=pretrained),
    cls_head=dict(text_encoder=dict(arch=arch, pretrained=pretrained)),
)
