# The baseline of Table 6a: no saliency, no temporal transformer.
_base_ = '../bike_vitb32_k400.py'

model = dict(
    neck=None, cls_head=dict(aggregation='mean', text_encoder=dict(frozen=False))
)
