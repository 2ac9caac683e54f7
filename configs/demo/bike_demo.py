# The demo of `tools/demo.sh`: drawn videos and a CLIP of 8 million weights.
_base_ = ['../_base_/schedules/adamw_30e.py', '../_base_/default_runtime.py']

data_root = 'work_dirs/demo/data'
pretrained = 'work_dirs/demo/clip.pt'
clip_len = 8
image_size = 64
short_side = 72  # so that the crops of a test differ
max_epochs = 3

arch = dict(
    embed_dim=128,
    quick_gelu=True,
    vision_cfg=dict(
        image_size=image_size, patch_size=16, width=128, layers=4, head_width=64
    ),
    text_cfg=dict(context_length=77, vocab_size=49408, width=128, heads=2, layers=2),
)

model = dict(
    type='CLIPRecognizer',
    backbone=dict(type='CLIPImageEncoder', arch=arch, pretrained=pretrained),
    cls_head=dict(
        type='VCSHead',
        num_classes=16,
        in_channels=128,
        class_names=f'{data_root}/class_names.txt',
        prompt='This is a video about {}',
        aggregation='vcs',
        words='all',
        temperature=0.01,
        text_encoder=dict(
            type='CLIPTextEncoder', arch=arch, pretrained=pretrained, frozen=True
        ),
        loss_cls=dict(type='ContrastiveLoss'),
    ),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[122.771, 116.746, 104.094],
        std=[68.501, 66.632, 70.323],
        format_shape='NCTHW',
    ),
)

meta_keys = ('filename', 'img_shape')
train_pipeline = [
    dict(type='VideoInit'),
    dict(type='SparseSampleFrames', clip_len=clip_len),
    dict(type='VideoDecode'),
    dict(type='AntialiasedResize', scale=(-1, short_side), interpolation='bicubic'),
    dict(type='RandomCrop', size=image_size),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys),
]
val_pipeline = [
    dict(type='VideoInit'),
    dict(type='SparseSampleFrames', clip_len=clip_len, test_mode=True),
    dict(type='VideoDecode'),
    dict(type='AntialiasedResize', scale=(-1, short_side), interpolation='bicubic'),
    dict(type='RoundedCenterCrop', crop_size=image_size),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys),
]
test_pipeline = val_pipeline

train_dataloader = dict(
    batch_size=16,  # x 2 processes
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='VideoDataset',
        ann_file=f'{data_root}/train.txt',
        data_prefix=dict(video=f'{data_root}/videos'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VideoDataset',
        ann_file=f'{data_root}/val.txt',
        data_prefix=dict(video=f'{data_root}/videos'),
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VideoDataset',
        ann_file=f'{data_root}/test.txt',
        data_prefix=dict(video=f'{data_root}/videos'),
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
auto_scale_lr = dict(base_batch_size=32)
val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(lr=3e-3))
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
default_hooks = dict(
    logger=dict(interval=6), checkpoint=dict(interval=max_epochs, save_best=None)
)
