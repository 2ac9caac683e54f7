"""Install bike_mmaction; its configs and tools travel inside the package."""

import os.path as osp
import shutil

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = osp.dirname(osp.abspath(__file__))
# OpenMMLab's packages keep these in `.mim`, where mim and mmengine look.
SHIPPED = ('configs', 'tools')
NOT_SHIPPED = shutil.ignore_patterns('__pycache__', '*.pyc', 'work_dirs')


class BuildWithTools(build_py):
    """Copies ``SHIPPED`` into the built package, never into the source."""

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


def read(*path: str) -> str:
    """A text file of the project, or '' if it is absent."""
    path = osp.join(ROOT, *path)
    if not osp.isfile(path):
        return ''
    with open(path, encoding='utf-8') as file:
        return file.read()


def ranges(bounds: dict) -> list:
    """``{'torch': ('2.1', '3')}`` as pip writes it: ``torch>=2.1,<3``."""
    return [f'{k}>={low},<{high}' for k, (low, high) in bounds.items()]


# Importing the package would import torch, which pip has yet to install.
versions = {}
exec(read('bike_mmaction', 'version.py'), versions)

setup(
    name='bike_mmaction',
    version=versions['__version__'],
    description='BIKE (CVPR 2023) for MMAction2: video recognition with '
    'bidirectional knowledge exploration between video and text',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    url='https://arxiv.org/abs/2301.00182',
    packages=find_packages(include=['bike_mmaction*']),
    package_data={
        'bike_mmaction.datasets.class_names': ['*.txt'],
        'bike_mmaction.datasets.prompts': ['*.txt'],
    },
    python_requires='>=3.9',
    install_requires=ranges(versions['DEPENDENCIES'])
    + [
        'av',
        'decord',
        'importlib_metadata',  # imported by mmaction2, which omits it
        'matplotlib',
        'mmpretrain>=1.2.0',
        'packaging',
        'pillow',
        'safetensors',
        'tqdm',
    ],
    extras_require={
        # mmcv and mmcv-lite hold the same module, so that pip must not
        # install one where the other is: the user chooses.
        'lite': ranges({'mmcv-lite': versions['MMCV']['mmcv-lite']}),
        'export': ['onnx', 'onnxruntime', 'onnxscript'],
        'web': ['gradio>=6'],
        'tests': ['pytest', 'pytest-xdist', 'ruff', 'scikit-learn', 'selenium'],
    },
    cmdclass=dict(build_py=BuildWithTools),
    zip_safe=False,
)
