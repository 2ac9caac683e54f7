# Table 6b: saliency from words, recognition by words.
_base_ = 'bike_vitb32_vcs_trained_text_k400.py'

model = dict(cls_head=dict(recognition_source='word'))
