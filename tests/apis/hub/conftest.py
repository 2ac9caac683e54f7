"""A tiny recognizer, as it is and as it is shared."""

import os
import shutil

import numpy as np
import pytest

from tests.kit.shared_models import build, tiny_config


@pytest.fixture(scope='session')
def frames():
    return np.random.default_rng(0).integers(0, 256, (9, 40, 48, 3), np.uint8)


@pytest.fixture(scope='session')
def bike(tmp_path_factory):
    return build(tiny_config(), tmp_path_factory.mktemp('bike'))


@pytest.fixture(scope='session')
def shared(tmp_path_factory, bike):
    """The folder of the recognizer; nobody changes it."""
    folder = tmp_path_factory.mktemp('shared') / 'model'
    bike.save_pretrained(folder)
    return folder


@pytest.fixture
def copy_of(tmp_path):
    """Makes a copy of a shared model, of which files may be replaced."""

    def copy(folder, name='copy'):
        shutil.copytree(folder, tmp_path / name, copy_function=os.link)
        return tmp_path / name

    return copy
