_base_ = [
    '_base_/models/bike_vitl14.py',
    '_base_/datasets/kinetics400_video.py',
    '_base_/schedules/adamw_20e.py',
    '_base_/default_runtime.py',
]
