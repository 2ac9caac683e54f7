# The demo's second stage: the attributes branch, beside the trained video
# branch, which stays as it is. Training decodes no video.
_base_ = 'bike_demo.py'

from bike_mmaction.datasets.pipelines import leave_out_video, use_attributes

data_root = 'work_dirs/demo/data'
max_epochs = 10

use_attributes(
    _base_, {
        split: f'{data_root}/attributes_{split}.json'
        for split in ('train', 'val', 'test')
    },
    topk=5)
leave_out_video(_base_, ['train', 'val'])

model = dict(
    attributes_head=dict(
        type='AttributesTextHead',
        num_classes=16,
        class_names=f'{data_root}/class_names.txt',
        mlp=True),
    train_branches=['attributes'],
    data_preprocessor=dict(type='OptionalVideoDataPreprocessor'))
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
val_evaluator = dict(type='BranchMetric', branch='attributes')
test_evaluator = [
    dict(type='AccMetric'),
    dict(type='BranchMetric', branch='video'),
    dict(type='BranchMetric', branch='attributes')
]
