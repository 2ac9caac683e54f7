# BIKE on EVA-02-CLIP, whose embeddings are as wide as ViT-B/32's.
_base_ = '../bike_vitb32_k400.py'

arch = 'EVA02-B-16'
pretrained = 'merged2b_s8b_b131k'

model = dict(
    backbone=dict(arch=arch, pretrained=pretrained),
    cls_head=dict(text_encoder=dict(arch=arch, pretrained=pretrained)),
)
