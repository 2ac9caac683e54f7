# BIKE on Perception Encoder (PE-Core), 224 pixels.
_base_ = '../bike_vitb16_k400.py'

from bike_mmaction.recipes import use_clip

use_clip(_base_, 'PE-Core-B-16', 'meta')
