# Fine-tuned from the model that bike_vitl14_336_16f_k400 has trained.
_base_ = '../bike_vitl14_336_16f_k400.py'

from bike_mmaction.recipes import use_dataset

use_dataset(_base_, 'hmdb51', split=1)
load_from = 'work_dirs/bike_vitl14_336_16f_k400/epoch_20.pth'
