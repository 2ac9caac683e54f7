# BIKE on SigLIP. Its tokenizer needs the package transformers.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import use_clip

use_clip(_base_, 'ViT-B-16-SigLIP', 'webli')
