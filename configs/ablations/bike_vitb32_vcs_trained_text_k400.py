# Table 6a, second row: saliency alone, the text encoder trains too.
_base_ = '../bike_vitb32_k400.py'

model = dict(neck=None, cls_head=dict(text_encoder=dict(frozen=False)))
