# The demo's second stage: the attributes branch, beside the trained video
# branch, which stays as it is. Training decodes no video.
_base_ = 'bike_demo.py'

from bike_mmaction.recipes import add_attributes_branch, set_epochs

add_attributes_branch(_base_, 'work_dirs/demo/data/attributes.json', topk=5, clip=None)
max_epochs = 10
set_epochs(_base_, max_epochs)
train_dataloader = dict(batch_size=32)
train_cfg = dict(val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(logger=dict(interval=12), checkpoint=dict(interval=max_epochs))
