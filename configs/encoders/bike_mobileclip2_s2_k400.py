# BIKE on MobileCLIP 2, 256 pixels: small and fast.
_base_ = '../bike_vitb16_k400.py'

from bike_mmaction.recipes import use_clip

use_clip(_base_, 'MobileCLIP2-S2', 'dfndr2b')
