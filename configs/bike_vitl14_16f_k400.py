_base_ = 'bike_vitl14_k400.py'

from bike_mmaction.recipes import set_clip_len

set_clip_len(_base_, 16)
