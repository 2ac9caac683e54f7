# 2 videos of each class, from CLIP's own weights (Table 4).
_base_ = '../bike_vitl14_k400.py'

from bike_mmaction.recipes import few_shot

few_shot(_base_, shots=2)
