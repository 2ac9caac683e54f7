# Both branches on SlowOnly: attributes are plugged in without training.
_base_ = 'vcs_slowonly_resnet50_k400.py'

from bike_mmaction.recipes import add_attributes_branch

add_attributes_branch(
    _base_, 'data/kinetics400/attributes_kinetics400_{split}.json', train=False
)
model = dict(type='CLIPRecognizer')
