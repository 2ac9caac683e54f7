# The width of ViT-B/32, with smaller patches.
_base_ = 'bike_vitb32.py'

arch = 'ViT-B-16-quickgelu'

model = dict(backbone=dict(arch=arch), cls_head=dict(text_encoder=dict(arch=arch)))
