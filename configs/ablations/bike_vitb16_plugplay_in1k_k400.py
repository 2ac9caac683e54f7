# Plug-and-play with object names as attributes.
_base_ = '../bike_vitb16_k400.py'

from bike_mmaction.recipes import add_attributes_branch

add_attributes_branch(
    _base_, 'data/kinetics400/attributes_imagenet1k_{split}.json', train=False
)
