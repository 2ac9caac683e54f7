# BIKE on SigLIP. Its tokenizer needs the package transformers.
_base_ = '../bike_vitb32_k400.py'

arch = 'ViT-B-16-SigLIP'
pretrained = 'webli'

model = dict(
    backbone=dict(arch=arch, pretrained=pretrained),
    neck=dict(embed_dims=768, num_heads=12),
    cls_head=dict(in_channels=768, text_encoder=dict(arch=arch, pretrained=pretrained)),
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
)
