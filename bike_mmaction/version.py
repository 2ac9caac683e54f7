"""The version, and the range of each dependency that it was made for.

Read by ``setup.py`` without importing anything else, and checked when the
package is imported.
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
# Of these, a newer version is only warned of: what is used of them is public
# and documented. MMEngine and MMAction2 (which itself refuses a newer mmcv)
# are inherited from and repaired inside, for versions that are known: with
# others a model could train or score otherwise than before without an error.
MAY_BE_NEWER = ('torch', 'torchvision', 'numpy', 'open_clip_torch')
# Either of the two provides the module `mmcv`.
MMCV = {'mmcv-lite': ('2.0.0', '2.2.0'), 'mmcv': ('2.0.0', '2.2.0')}
