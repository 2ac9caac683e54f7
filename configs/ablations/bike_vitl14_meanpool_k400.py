# The baseline of Table 6i: no saliency, no temporal transformer.
_base_ = '../bike_vitl14_k400.py'

model = dict(
    neck=None, cls_head=dict(aggregation='mean', text_encoder=dict(frozen=False))
)
