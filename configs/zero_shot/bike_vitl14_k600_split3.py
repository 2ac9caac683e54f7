# Only tests, on the test part of Kinetics-600: by the whole video branch, as
# published (Table 5).
_base_ = '../bike_vitl14_k400.py'

from bike_mmaction.recipes import zero_shot

zero_shot(_base_, 'kinetics600_zeroshot', split=3, evaluator='video')
