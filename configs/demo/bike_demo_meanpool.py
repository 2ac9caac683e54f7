# The demo's baseline: the same in all but saliency.
_base_ = 'bike_demo.py'

model = dict(cls_head=dict(aggregation='mean'))
