# VCS without temporal transformer. As nothing in it is new to CLIP, it also
# recognizes any classes without training: what BIKEInferencer starts with.
_base_ = 'bike_vitb16_k400.py'

model = dict(neck=None)
