"""The version, and the range of each dependency that it was made for.

Read by ``setup.py`` without importing anything else, and checked at import.
"""

__version__ = '0.1.0'

# distribution: (first version that works, first version not tried)
DEPENDENCIES = {
    'torch': ('2.1.2', '2.16'),
    'torchvision': ('0.16.2', '0.30'),
    'numpy': ('1.26.0', '3'),
    'mmengine': ('0.10.5', '0.11'),
    'mmaction2': ('1.2.0', '1.3'),
    'open_clip_torch': ('3.0.0', '4'),
}
# Either of the two provides the module `mmcv`.
MMCV = {'mmcv-lite': ('2.0.0', '2.2.0'), 'mmcv': ('2.0.0', '2.2.0')}
