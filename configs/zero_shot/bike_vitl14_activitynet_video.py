# Only tests, on all videos of the data set: by the whole video branch.
_base_ = '../bike_vitl14_k400.py'

from bike_mmaction.recipes import zero_shot

zero_shot(_base_, 'activitynet', evaluator='video')
