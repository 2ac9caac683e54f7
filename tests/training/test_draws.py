"""What is drawn for a sample depends on seed, epoch and its number alone."""

import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler, DataLoader, Dataset

from bike_mmaction.training.draws import NumberedBatches, SampleNumber, seed_process


class Draws(Dataset):
    """A number of each of the three sources, and that of the sample."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        drawn = (random.random(), np.random.rand(), torch.rand(1).item())
        return (index, *drawn)


def load(count=12, seed=3, epochs=(0,), done=0, **kwargs):
    """Samples [epochs, count, 4], in the order of their loading."""
    dataset = Draws(count)
    sampler = DefaultSampler(dataset, shuffle=True, seed=1)
    loader = DataLoader(
        dataset,
        batch_sampler=BatchSampler(sampler, 2, drop_last=False),
        collate_fn=np.array,
        **kwargs,
    )
    batches = NumberedBatches(loader.batch_sampler, seed)
    vars(loader)['batch_sampler'] = batches
    loaded = []
    for epoch in epochs:
        sampler.set_epoch(epoch)
        batches.epoch, batches.done = epoch, done
        loaded.append(np.concatenate(list(loader)))
    return np.array(loaded)


def by_number(loaded):
    """The draws [epochs, count, 3] in the order of the numbers."""
    return np.array([one[one[:, 0].argsort()][:, 1:] for one in loaded])


@pytest.mark.parametrize('persistent', [False, True])
def test_workers_do_not_matter(persistent):
    workers = dict(num_workers=2, persistent_workers=persistent)
    assert np.array_equal(load(epochs=(0, 1)), load(epochs=(0, 1), **workers))


def test_nor_does_what_was_loaded_before():
    whole = load(epochs=(0, 1, 2))
    np.random.seed(99)
    assert np.array_equal(whole[2:], load(epochs=(2,)))
    rest = load(epochs=(2,), done=4)
    assert np.array_equal(whole[2:, 8:], rest)


def test_samples_epochs_and_seeds_are_independent():
    """All draws are uniform, and no two series of them are alike."""
    count = 4000
    drawn = by_number(load(count, epochs=(0, 1)))
    drawn = np.concatenate([drawn, by_number(load(count, seed=4))])
    series = drawn.transpose(0, 2, 1).reshape(9, count)
    series = np.concatenate([series, series[:, ::-1], np.roll(series, 1, axis=1)])
    assert np.abs(series.mean(1) - 0.5).max() < 0.025  # 5 standard errors
    assert np.abs(series.std(1) - 12**-0.5).max() < 0.015
    correlations = np.corrcoef(series) - np.eye(len(series))
    assert np.abs(correlations).max() < 0.08  # 5 standard errors
    # torch draws one of 2**24 numbers: 4 pairs are alike by chance
    assert len(np.unique(series[:9])) > series[:9].size - 30


def test_the_process_draws_on_as_before():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    seed_process(1, 0, 5)
    expected = [draw(), draw()]
    seed_process(1, 0, 5)
    first = draw()
    with SampleNumber(4, 3, 2).drawing():
        draw()
    assert [first, draw()] == expected
    for other in ((2, 0, 5), (1, 1, 5), (1, 0, 6)):
        seed_process(*other)
        assert not set(draw()) & set(expected[0])


def test_a_number_goes_to_workers_with_all_it_knows():
    number = pickle.loads(pickle.dumps(SampleNumber(4, 3, 2)))
    assert (number, number.seed, number.epoch) == (4, 3, 2)
