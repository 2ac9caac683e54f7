# Table 6d: 7 attributes.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import add_attributes_branch

add_attributes_branch(
    _base_, 'data/kinetics400/attributes_kinetics400_{split}.json', train=False, topk=7
)
