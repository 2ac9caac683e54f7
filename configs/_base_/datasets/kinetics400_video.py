dataset_type = 'VideoDataset'
data_root = 'data/kinetics400'
clip_len = 8
image_size = 224
short_side = 256

# What is kept of a sample, so that messages can name its file.
meta_keys = ('filename', 'frame_dir', 'img_shape')

train_pipeline = [
    dict(type='VideoInit'),
    dict(type='SparseSampleFrames', clip_len=clip_len),
    dict(type='VideoDecode'),
    dict(type='AntialiasedResize', scale=(-1, short_side), interpolation='bicubic'),
    dict(
        type='RandomResizedCrop',
        area_range=(0.08, 1.0),
        aspect_ratio_range=(3 / 4, 4 / 3),
    ),
    dict(
        type='AntialiasedResize',
        scale=(image_size, image_size),
        keep_ratio=False,
        interpolation='bilinear',
    ),
    dict(type='Flip', flip_ratio=0.5),
    dict(
        type='TransformBroadcaster',  # all frames of a clip alike
        mapping=dict(img='imgs'),
        auto_remap=True,
        share_random_params=True,
        transforms=[
            dict(
                type='RandomGrayscale',
                prob=0.2,
                keep_channels=True,
                channel_weights=(0.299, 0.587, 0.114),
                color_format='rgb',
            )
        ],
    ),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys),
]
# One view, for validation and by default for testing;
# `tools/test.py --views 4x3` makes it 4 clips x 3 crops, `10x3d` 10 dense
# clips x 3 crops.
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
    batch_size=32,  # x 8 GPUs = 256, as published
    drop_last=True,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        ann_file=f'{data_root}/kinetics400_train_list_videos.txt',
        data_prefix=dict(video=f'{data_root}/videos_train'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        ann_file=f'{data_root}/kinetics400_val_list_videos.txt',
        data_prefix=dict(video=f'{data_root}/videos_val'),
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=4,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        ann_file=f'{data_root}/kinetics400_val_list_videos.txt',
        data_prefix=dict(video=f'{data_root}/videos_val'),
        pipeline=test_pipeline,
        test_mode=True,
    ),
)

val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
