arch = 'ViT-B-32-quickgelu'
auto_scale_lr = dict(base_batch_size=256, enable=False)
base_lr = 5e-05
clip_len = 8
clip_lr_mult = 0.1
custom_imports = dict(allow_failed_imports=False, imports=['bike_mmaction'])
data_root = 'data/kinetics400'
dataset_type = 'VideoDataset'
default_hooks = dict(
    check_finite=dict(type='CheckFinite'),
    check_resume=dict(type='CheckResume'),
    check_start=dict(type='CheckStart'),
    checkpoint=dict(
        interval=1, max_keep_ckpts=3, save_best='auto', type='CheckpointHook'
    ),
    logger=dict(ignore_last=False, interval=20, type='LoggerHook'),
    param_scheduler=dict(type='ParamSchedulerHook'),
    runtime_info=dict(type='RuntimeInfoHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    timer=dict(type='IterTimerHook'),
    visualization=dict(type='VisualizationHook'),
)
default_scope = 'mmaction'
embed_dims = 512
env_cfg = dict(
    cudnn_benchmark=False,
    dist_cfg=dict(backend='nccl'),
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
)
image_size = 224
load_from = 'work_dirs/bike_vitb32_k400_rawframes/epoch_30.pth'
log_level = 'INFO'
log_processor = dict(by_epoch=True, type='LogProcessor', window_size=20)
max_epochs = 30
meta_keys = ('filename', 'frame_dir', 'img_shape')
model = dict(
    association=dict(arch='ViT-L-14-quickgelu', pretrained='openai'),
    attributes_head=dict(
        class_names='kinetics400',
        loss_cls=dict(type='ContrastiveLoss'),
        num_classes=400,
        type='AttributesTextHead',
    ),
    backbone=dict(
        arch='ViT-B-32-quickgelu',
        pretrained='openai',
        type='CLIPImageEncoder',
        with_cp=False,
    ),
    cls_head=dict(
        aggregation='vcs',
        class_names='kinetics400',
        in_channels=512,
        loss_cls=dict(type='ContrastiveLoss'),
        num_classes=400,
        prompt='This is a video about {}',
        temperature=0.01,
        text_encoder=dict(
            arch='ViT-B-32-quickgelu',
            frozen=True,
            pretrained='openai',
            type='CLIPTextEncoder',
        ),
        type='VCSHead',
        words='all',
    ),
    data_preprocessor=dict(
        format_shape='NCTHW',
        mean=[122.771, 116.746, 104.094],
        std=[68.501, 66.632, 70.323],
        type='OptionalVideoDataPreprocessor',
    ),
    neck=dict(embed_dims=512, num_heads=8, num_layers=6, type='TemporalTransformer'),
    train_branches=['attributes'],
    type='CLIPRecognizer',
)
num_heads = 8
optim_wrapper = dict(
    optimizer=dict(
        betas=(0.9, 0.999), eps=1e-08, lr=5e-05, type='AdamW', weight_decay=0.2
    ),
    paramwise_cfg=dict(
        custom_keys=dict(
            attributes_encoder=dict(lr_mult=0.1),
            backbone=dict(lr_mult=0.1),
            logit_scale=dict(lr_mult=0.1),
            text_encoder=dict(lr_mult=0.1),
        )
    ),
    type='AmpOptimWrapper',
)
param_scheduler = [
    dict(
        begin=0,
        by_epoch=True,
        convert_to_iter_based=True,
        end=5,
        start_factor=0.001,
        type='LinearLR',
    ),
    dict(
        T_max=25,
        begin=5,
        by_epoch=True,
        convert_to_iter_based=True,
        end=30,
        eta_min=0,
        type='CosineAnnealingLR',
    ),
]
pretrained = 'openai'
randomness = dict(seed=1024)
resume = False
short_side = 256
test_cfg = dict(type='ReportingTestLoop')
test_dataloader = dict(
    batch_size=4,
    dataset=dict(
        ann_file='data/kinetics400/kinetics400_val_list_rawframes.txt',
        data_prefix=dict(img='data/kinetics400/rawframes_val'),
        filename_tmpl='img_{:05}.jpg',
        pipeline=[
            dict(
                ann_file='data/kinetics400/attributes_kinetics400_val.json',
                topk=5,
                type='LoadAttributes',
            ),
            dict(clip_len=8, test_mode=True, type='SparseSampleFrames'),
            dict(type='RawFrameDecode'),
            dict(interpolation='bicubic', scale=(-1, 256), type='AntialiasedResize'),
            dict(crop_size=224, type='RoundedCenterCrop'),
            dict(input_format='NCTHW', type='FormatShape'),
            dict(
                algorithm_keys=('attributes',),
                meta_keys=('filename', 'frame_dir', 'img_shape'),
                type='PackActionInputs',
            ),
        ],
        test_mode=True,
        type='RawframeDataset',
    ),
    num_workers=8,
    persistent_workers=True,
    sampler=dict(shuffle=False, type='DefaultSampler'),
)
test_evaluator = [
    dict(type='AccMetric'),
    dict(branch='video', type='BranchMetric'),
    dict(branch='attributes', type='BranchMetric'),
]
test_pipeline = [
    dict(
        ann_file='data/kinetics400/attributes_kinetics400_val.json',
        topk=5,
        type='LoadAttributes',
    ),
    dict(type='DecordInit'),
    dict(clip_len=8, test_mode=True, type='SparseSampleFrames'),
    dict(type='DecordDecode'),
    dict(interpolation='bicubic', scale=(-1, 256), type='AntialiasedResize'),
    dict(crop_size=224, type='RoundedCenterCrop'),
    dict(input_format='NCTHW', type='FormatShape'),
    dict(
        algorithm_keys=('attributes',),
        meta_keys=('filename', 'frame_dir', 'img_shape'),
        type='PackActionInputs',
    ),
]
train_cfg = dict(max_epochs=30, type='AnySizeTrainLoop', val_interval=1)
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        ann_file='data/kinetics400/kinetics400_train_list_rawframes.txt',
        data_prefix=dict(img='data/kinetics400/rawframes_train'),
        filename_tmpl='img_{:05}.jpg',
        pipeline=[
            dict(
                ann_file='data/kinetics400/attributes_kinetics400_train.json',
                topk=5,
                type='LoadAttributes',
            ),
            dict(
                algorithm_keys=('attributes',),
                collect_keys=(),
                meta_keys=('filename', 'frame_dir', 'img_shape'),
                type='PackActionInputs',
            ),
        ],
        type='RawframeDataset',
    ),
    drop_last=True,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(shuffle=True, type='DefaultSampler'),
)
train_pipeline = [
    dict(
        ann_file='data/kinetics400/attributes_kinetics400_train.json',
        topk=5,
        type='LoadAttributes',
    ),
    dict(
        algorithm_keys=('attributes',),
        collect_keys=(),
        meta_keys=('filename', 'frame_dir', 'img_shape'),
        type='PackActionInputs',
    ),
]
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=16,
    dataset=dict(
        ann_file='data/kinetics400/kinetics400_val_list_rawframes.txt',
        data_prefix=dict(img='data/kinetics400/rawframes_val'),
        filename_tmpl='img_{:05}.jpg',
        pipeline=[
            dict(
                ann_file='data/kinetics400/attributes_kinetics400_val.json',
                topk=5,
                type='LoadAttributes',
            ),
            dict(
                algorithm_keys=('attributes',),
                collect_keys=(),
                meta_keys=('filename', 'frame_dir', 'img_shape'),
                type='PackActionInputs',
            ),
        ],
        test_mode=True,
        type='RawframeDataset',
    ),
    num_workers=8,
    persistent_workers=True,
    sampler=dict(shuffle=False, type='DefaultSampler'),
)
val_evaluator = dict(branch='attributes', type='BranchMetric')
val_pipeline = [
    dict(
        ann_file='data/kinetics400/attributes_kinetics400_val.json',
        topk=5,
        type='LoadAttributes',
    ),
    dict(
        algorithm_keys=('attributes',),
        collect_keys=(),
        meta_keys=('filename', 'frame_dir', 'img_shape'),
        type='PackActionInputs',
    ),
]
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='ActionVisualizer', vis_backends=[dict(type='LocalVisBackend')])
warmup_epochs = 5
work_dir = 'work_dirs/bike_vitb32_attributes_k400_rawframes'
