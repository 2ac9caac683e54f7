# BIKE on SigLIP 2. Its tokenizer needs the package transformers.
_base_ = '../bike_vitb16_k400.py'

from bike_mmaction.recipes import use_clip

use_clip(_base_, 'ViT-B-16-SigLIP2', 'webli')
