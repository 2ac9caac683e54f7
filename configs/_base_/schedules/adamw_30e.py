# 5 epochs of linear warm-up, then a cosine, both by iteration; CLIP's own
# tensors learn at a tenth of the rate of the new ones. As in the authors'
# configuration files and logs; ViT-L/14 trains for 20 epochs, adamw_20e.py.
max_epochs = 30
warmup_epochs = 5
base_lr = 5e-5
clip_lr_mult = 0.1

# keeps an incomplete batch where it is the only one
train_cfg = dict(type='AnySizeTrainLoop', max_epochs=max_epochs, val_interval=1)
# both count what cannot be read; a test writes results.json beside the log
val_cfg = dict(type='ReportingValLoop')
test_cfg = dict(type='ReportingTestLoop')

# fp16 on a GPU, bf16 on a CPU that has instructions for it, else float32;
# dtype='bfloat16' asks for bf16 anywhere.
# accumulative_counts=N adds up N batches before each step: with batches N
# times smaller it saves memory, though each contrasts only its own videos.
# AdamW, as one kernel on a GPU.
optim_wrapper = dict(
    type='AmpOptimWrapper',
    optimizer=dict(
        type='FusedAdamW', lr=base_lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.2
    ),
    paramwise_cfg=dict(
        custom_keys={
            'backbone': dict(lr_mult=clip_lr_mult),
            'text_encoder': dict(lr_mult=clip_lr_mult),
            'attributes_encoder': dict(lr_mult=clip_lr_mult),
            'logit_scale': dict(lr_mult=clip_lr_mult),
        }
    ),
)

param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-3,
        begin=0,
        end=warmup_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs - warmup_epochs,
        eta_min=0,
        begin=warmup_epochs,
        end=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]

# `--auto-scale-lr` adapts the rate to another total batch size.
auto_scale_lr = dict(enable=False, base_batch_size=256)
