"""Functions that change a config: what a shipped config is made with.

They look for data sets and transforms by name, so that any config that has
these can be changed. They run while a config file is read, and change the
resolved config only: the config that a run dumps needs none of them.
"""

from .attributes import add_attributes_branch, leave_out_video, use_attributes
from .datasets import use_dataset
from .frames import repeat_augmentation, set_clip_len, use_rawframes
from .images import fold_frames, set_image_size, use_resize
from .protocols import few_shot, zero_shot
from .views import set_views, use_dense_sampling

__all__ = [
    'add_attributes_branch',
    'few_shot',
    'fold_frames',
    'leave_out_video',
    'repeat_augmentation',
    'set_clip_len',
    'set_image_size',
    'set_views',
    'use_attributes',
    'use_dataset',
    'use_dense_sampling',
    'use_rawframes',
    'use_resize',
    'zero_shot',
]
