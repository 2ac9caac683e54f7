"""What pyproject.toml cannot say of the installation of bike_mmaction.

Its configs and tools travel inside the package, and the versions of its
dependencies stand in ``bike_mmaction/version.py``.
"""

import os.path as osp
import runpy
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = osp.dirname(osp.abspath(__file__))
# OpenMMLab's packages keep these in `.mim`, where mim and mmengine look.
SHIPPED = ('configs', 'tools')
NOT_SHIPPED = shutil.ignore_patterns('__pycache__', '*.pyc', 'work_dirs')


class BuildWithTools(build_py):
    """Copies ``SHIPPED`` and the model index into the built package, never into
    the source."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # they are used where they lie
            return
        mim = osp.join(self.build_lib, 'bike_mmaction', '.mim')
        shutil.rmtree(mim, ignore_errors=True)  # of an earlier build
        for name in SHIPPED:
            shutil.copytree(
                osp.join(ROOT, name), osp.join(mim, name), ignore=NOT_SHIPPED
            )
        shutil.copy(osp.join(ROOT, 'model-index.yml'), mim)


def dependencies() -> list[str]:
    """What pip is to install, with the ranges that the package checks.

    To import the package would import torch, which pip has yet to install.
    """
    versions = runpy.run_path(osp.join(ROOT, 'bike_mmaction', 'version.py'))
    newer = versions['MAY_BE_NEWER']
    ranges = [
        f'{name}>={low}' if name in newer else f'{name}>={low},<{high}'
        for name, (low, high) in versions['DEPENDENCIES'].items()
    ]
    return [
        *ranges,
        'av>=15',
        # MMAction2's; there are no wheels for ARM, where it is not needed
        'decord; platform_machine in "x86_64 AMD64"',
        'setuptools<82',  # mmengine imports pkg_resources, which later ones lack
        'huggingface_hub>=0.26',  # also open_clip's
        'importlib_metadata',  # imported by mmaction2, which omits it
        'matplotlib',
        'mmpretrain>=1.2.0',
        'packaging',
        'pillow',
        'pyyaml',
        'safetensors',
        'tqdm',
    ]


setup(
    install_requires=dependencies(),
    cmdclass=dict(build_py=BuildWithTools),
    zip_safe=False,
)
