_base_ = 'bike_vitl14_k400.py'

from bike_mmaction.recipes import set_image_size

arch = 'ViT-L-14-336-quickgelu'
set_image_size(_base_, image_size=336, short_side=336)

model = dict(backbone=dict(arch=arch), cls_head=dict(text_encoder=dict(arch=arch)))
