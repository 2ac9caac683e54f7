# The demo's attributes beside the trained video branch, without training.
_base_ = 'bike_demo_attributes.py'

model = dict(attributes_head=dict(mlp=False), train_branches=None)
