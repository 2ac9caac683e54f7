# BIKE on MetaCLIP 2, of many languages. It needs the package transformers.
_base_ = '../bike_vitb16_k400.py'

from bike_mmaction.recipes import use_clip

use_clip(_base_, 'ViT-H-14-worldwide-quickgelu', 'metaclip2_worldwide')
