# BIKE on Perception Encoder (PE-Core), 336 pixels.
_base_ = '../bike_vitb16_k400.py'

from bike_mmaction.recipes import use_clip

use_clip(_base_, 'PE-Core-L-14-336', 'meta')
