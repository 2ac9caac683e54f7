"""Functions that change a config: what a shipped config is made with.

A config that begins with another one calls them with ``_base_``::

    _base_ = '../bike_vitl14_16f_k400.py'

    from bike_mmaction.recipes import use_dataset

    use_dataset(_base_, 'ucf101', split=1)
    load_from = 'work_dirs/bike_vitl14_16f_k400/epoch_20.pth'

While MMEngine reads this file, the name of the base is taken out and ``_base_``
is the content of the base, already read, as a :class:`mmengine.ConfigDict` of
this file's own. A function changes it in place; after the last line the
variables of the file are merged into it. So

- the functions see the base and what was changed before, but none of the
  file's own variables, wherever these stand;
- a variable of the file wins over what a function has set;
- the order of calls matters where one says so: :func:`use_rawframes` and
  :func:`repeat_augmentation` come last.

They look for data sets and transforms by name, so that any config that has
these can be changed, also one that :meth:`mmengine.Config.fromfile` has read.
What they change, they change in the resolved config: the config that a run
dumps needs none of them.
"""

from .attributes import add_attributes_branch, leave_out_video, use_attributes
from .datasets import use_dataset
from .embeddings import use_cached_embeddings
from .frames import repeat_augmentation, set_clip_len, use_rawframes
from .images import fold_frames, set_image_size, set_preprocessing, use_resize
from .large_models import use_deepspeed, use_fsdp, use_whole_models
from .own_data import use_own_data
from .pretrained import use_clip, use_pretrained
from .protocols import few_shot, zero_shot
from .schedule import set_epochs
from .shards import use_shards
from .views import set_views, use_dense_sampling

__all__ = [
    'add_attributes_branch',
    'few_shot',
    'fold_frames',
    'leave_out_video',
    'repeat_augmentation',
    'set_clip_len',
    'set_epochs',
    'set_image_size',
    'set_preprocessing',
    'set_views',
    'use_attributes',
    'use_cached_embeddings',
    'use_clip',
    'use_dataset',
    'use_deepspeed',
    'use_dense_sampling',
    'use_fsdp',
    'use_own_data',
    'use_pretrained',
    'use_rawframes',
    'use_resize',
    'use_shards',
    'use_whole_models',
    'zero_shot',
]
