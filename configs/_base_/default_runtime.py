custom_imports = dict(imports=['bike_mmaction'], allow_failed_imports=False)
default_scope = 'mmaction'

default_hooks = dict(
    runtime_info=dict(type='LateRuntimeInfo'),  # losses are read when they are logged
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', interval=1, save_best='auto', max_keep_ckpts=3
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    check_start=dict(type='CheckStart'),  # schedule, labels, batch size
    check_resume=dict(type='CheckResume'),  # options that it would ignore
    check_finite=dict(type='CheckFinite'),  # losses, weights, scores
    bad_videos=dict(type='ReplaceBadVideos'),  # up to 1 % of the training set
    exact_resume=dict(type='ExactResume'),  # draws by the seed, place in the epoch
    make_up_validation=dict(type='MakeUpValidation'),  # that a kill has hindered
    visualization=dict(type='VisualizationHook'),
)  # for test.py --show-dir

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='ActionVisualizer', vis_backends=vis_backends)

log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=1024)
