"""What PyTorch does not say of a crash in a data loader."""

import os
from unittest import mock

import pytest
from mmengine.dataset import Compose
from torch.utils.data import DataLoader, Dataset

import tests.kit.hostile  # noqa: F401  (registers)
from bike_mmaction.compat.torch import file_of, note_file


class Videos(Dataset):
    """Infos of files through a pipeline."""

    def __init__(self, names):
        self.names, self.pipeline = names, Compose([dict(type='DecodeOrBreak')])

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        return self.pipeline(dict(filename=self.names[index]))['filename']


def test_a_crash_of_a_data_loader_names_its_file():
    names = [f'folder/v{i}.mp4' for i in range(8)]
    assert [name for (name,) in DataLoader(Videos(names), num_workers=2)] == names
    names[5] = 'folder/é abort.mp4'
    with pytest.raises(
        RuntimeError, match="worker .*pid.* It was reading 'folder/é abort.mp4'"
    ):
        list(DataLoader(Videos(names), num_workers=2))


def test_long_names_are_cut():
    with mock.patch('os.getpid', return_value=os.getpid() + 1):
        note_file('next')
    note_file('x' * 5000)
    assert 900 < len(file_of(os.getpid())) < 1024
    assert file_of(os.getpid() + 1) == 'next'  # beside it
    assert file_of(os.getpid() + 2) is None
