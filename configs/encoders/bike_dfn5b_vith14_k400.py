# BIKE on the CLIP that Data Filtering Networks chose 5 billion images for.
_base_ = '../bike_vitb16_k400.py'

from bike_mmaction.recipes import use_clip

use_clip(_base_, 'ViT-H-14-quickgelu', 'dfn5b')
