# Second stage: the attributes branch (section 2.2), beside the video branch
# that bike_vitl14_k400 has trained. Decodes no video.
_base_ = '../bike_vitl14_k400.py'

from bike_mmaction.recipes import add_attributes_branch

add_attributes_branch(_base_, 'data/kinetics400/attributes_kinetics400_{split}.json')
load_from = 'work_dirs/bike_vitl14_k400/epoch_20.pth'
