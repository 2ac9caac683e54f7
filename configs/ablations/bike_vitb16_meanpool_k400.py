# The baseline of Table 6i: no saliency, no temporal transformer.
_base_ = '../bike_vitb16_k400.py'

model = dict(
    neck=None, cls_head=dict(aggregation='mean', text_encoder=dict(frozen=False))
)
