"""A pytest plugin: imports bike_mmaction, that of this source tree.

Its folder is not left on the path, for it has ``tests`` as MMAction2 has.
"""

import os.path as osp
import sys

ROOT = osp.dirname(osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))

sys.path.insert(0, ROOT)
import bike_mmaction  # noqa: E402, F401

sys.path.remove(ROOT)
