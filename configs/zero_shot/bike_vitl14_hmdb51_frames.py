# Only tests, on all videos of the data set: each frame votes by its CLIP
# scores, as published (Table 5).
_base_ = '../bike_vitl14_k400.py'

from bike_mmaction.recipes import zero_shot

zero_shot(_base_, 'hmdb51', evaluator='frames')
