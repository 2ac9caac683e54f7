# Without training: the mean of 8 frames, as PE is trained on videos.
_base_ = 'bike_pe_core_vitl14_336_k400.py'

from bike_mmaction.recipes import zero_shot

zero_shot(_base_, 'kinetics400')
model = dict(neck=None, cls_head=dict(aggregation='mean', prompt='actions'))
