# BIKE on the largest CLIP of open_clip: 5.1 billion weights, 4.4 of them trained.
_base_ = '../bike_vitb16_k400.py'

from bike_mmaction.recipes import use_clip, use_fsdp

use_clip(_base_, 'EVA02-E-14-plus', 'laion2b_s9b_b144k')
use_fsdp(_base_, recompute=True)
