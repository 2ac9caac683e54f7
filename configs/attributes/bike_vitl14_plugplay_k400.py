# The attributes branch plugged into a trained video branch: needs no training.
_base_ = '../bike_vitl14_k400.py'

from bike_mmaction.recipes import add_attributes_branch

add_attributes_branch(
    _base_, 'data/kinetics400/attributes_kinetics400_{split}.json', train=False
)
