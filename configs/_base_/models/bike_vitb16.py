_base_ = 'bike_vitl14.py'

arch = 'ViT-B-16-quickgelu'
embed_dims = 512
num_heads = 8

model = dict(
    backbone=dict(arch=arch),
    neck=dict(embed_dims=embed_dims, num_heads=num_heads),
    cls_head=dict(in_channels=embed_dims, text_encoder=dict(arch=arch)),
)
