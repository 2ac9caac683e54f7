# The demo with a video of each class; train_dataloader.dataset.shots=5: five.
_base_ = 'bike_demo.py'

from bike_mmaction.recipes import few_shot

few_shot(_base_, shots=1)
