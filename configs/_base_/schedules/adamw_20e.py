# For ViT-L/14: adamw_30e.py in fewer epochs, as the authors trained it.
_base_ = 'adamw_30e.py'

max_epochs = 20

train_cfg = dict(max_epochs=max_epochs)
_base_.param_scheduler[-1].update(
    T_max=max_epochs - _base_.warmup_epochs, end=max_epochs
)
