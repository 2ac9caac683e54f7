# For ViT-L/14: adamw_30e.py in fewer epochs, as the authors trained it.
_base_ = 'adamw_30e.py'

from bike_mmaction.recipes import set_epochs

max_epochs = 20

set_epochs(_base_, max_epochs)
