# Trained from CLIP's own weights, not from a model of Kinetics-400.
_base_ = '../bike_vitl14_16f_k400.py'

from bike_mmaction.recipes import use_dataset

use_dataset(_base_, 'charades')
