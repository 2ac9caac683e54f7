# The demo trained on half of its classes; for those left out, see
# bike_demo_unseen.py. tools/demo/hold_out.py writes the lists.
_base_ = 'bike_demo.py'

data_root = 'work_dirs/demo/data'

model = dict(cls_head=dict(num_classes=8, class_names=f'{data_root}/seen.txt'))
train_dataloader = dict(dataset=dict(ann_file=f'{data_root}/seen_train.txt'))
val_dataloader = dict(dataset=dict(ann_file=f'{data_root}/seen_val.txt'))
test_dataloader = dict(dataset=dict(ann_file=f'{data_root}/seen_test.txt'))
