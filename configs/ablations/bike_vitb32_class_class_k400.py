# Table 6b: saliency from the class embedding, recognition by it.
_base_ = 'bike_vitb32_vcs_trained_text_k400.py'

model = dict(cls_head=dict(saliency_source='class'))
