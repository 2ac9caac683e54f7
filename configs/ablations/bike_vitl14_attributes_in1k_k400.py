# Second stage with object names (ImageNet-1k) as attributes, Table 6g.
_base_ = '../bike_vitl14_k400.py'

from bike_mmaction.recipes import add_attributes_branch

add_attributes_branch(_base_, 'data/kinetics400/attributes_imagenet1k_{split}.json')
load_from = 'work_dirs/bike_vitl14_k400/epoch_20.pth'
