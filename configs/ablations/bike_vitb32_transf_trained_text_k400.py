# Table 6a, third row: with the temporal transformer, the text encoder trains.
_base_ = '../bike_vitb32_k400.py'

model = dict(cls_head=dict(text_encoder=dict(frozen=False)))
