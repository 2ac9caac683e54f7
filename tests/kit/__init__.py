"""What tests are made with: tiny models, small videos, lists, running of tools.

``from tests.kit.models import TINY_ARCH``. Fixtures are in ``conftest.py``.
"""

import os.path as osp

ROOT = osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__))))
