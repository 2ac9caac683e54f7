# Zero-shot on the classes that bike_demo_seen.py was not trained on, with
# both evaluators at once: the demo has no temporal transformer to leave out.
_base_ = 'bike_demo.py'

data_root = 'work_dirs/demo/data'

model = dict(
    cls_head=dict(
        num_classes=8, class_names=f'{data_root}/unseen.txt', keep_scores=True
    )
)
test_dataloader = dict(dataset=dict(ann_file=f'{data_root}/unseen_test.txt'))
test_evaluator = [
    dict(type='ZeroShotMetric', evaluator=evaluator)
    for evaluator in ('frames', 'video')
]
