"""An order of chance that reads a few tar files at a time."""

from collections.abc import Iterator
from typing import Any, Optional

import torch
from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import DefaultSampler

from ..files import source_of
from ..shards import find_member
from .entries import with_video_extension


@DATA_SAMPLERS.register_module()
class ShardSampler(DefaultSampler):
    """Draws from a few shards until all their videos are drawn, then from others.

    For storage that keeps near what was read last. Each epoch takes the tar
    files in another order, and their videos in one of chance. All else is as
    in MMEngine's ``DefaultSampler``, which draws from all tar files at any time:
    ranks, seeds, and that an epoch has each video once.

    Args:
        dataset (Dataset): Of videos in tar files, see ``bike pack-videos``.
        shards_at_once (int): Tar files to draw from. Defaults to 16.
        shuffle (bool): Whether to draw by chance. Defaults to True.
        seed (int, optional): Of the order. Defaults to None: one of chance.
        round_up (bool): Whether all ranks get the same number of videos, as
            some are repeated. Defaults to True.

    Raises:
        ValueError: if no video of the data set lies in tar files, or
            ``shards_at_once`` is not positive.
    """

    def __init__(
        self,
        dataset: Any,
        shards_at_once: int = 16,
        shuffle: bool = True,
        seed: Optional[int] = None,
        round_up: bool = True,
    ) -> None:
        if not isinstance(shards_at_once, int) or shards_at_once < 1:
            raise ValueError(
                f'shards_at_once={shards_at_once!r} must be a whole number above 0'
            )
        super().__init__(dataset, shuffle, seed, round_up)
        self.shards_at_once = shards_at_once
        self._shards = numbers_by_shard(dataset) if shuffle else []

    def __iter__(self) -> Iterator[int]:
        """The numbers of the samples of this rank."""
        if not self.shuffle:
            return super().__iter__()
        generator = torch.Generator()
        generator.manual_seed(self.seed + self.epoch)
        order = torch.randperm(len(self._shards), generator=generator).tolist()
        drawn = []
        for first in range(0, len(order), self.shards_at_once):
            some = order[first : first + self.shards_at_once]
            numbers = torch.cat([self._shards[shard] for shard in some])
            drawn.append(numbers[torch.randperm(len(numbers), generator=generator)])
        numbers = torch.cat(drawn)
        if self.round_up:
            numbers = numbers.repeat(self.total_size // len(numbers) + 1)
        end = self.total_size
        return iter(numbers[self.rank : end : self.world_size].tolist())


def numbers_by_shard(dataset: Any) -> list[torch.Tensor]:
    """The numbers of the samples in each tar file; those in none are the last.

    Raises:
        ValueError: if all are in none.
    """
    shards: dict[tuple[str, str], list[int]] = {}
    others: list[int] = []
    for number in range(len(dataset)):
        source = source_of(dataset.get_data_info(number))
        place = find_member(with_video_extension(source))
        if place is None:
            others.append(number)
        else:
            shard = (place[0].folder, place[1].shard)
            shards.setdefault(shard, []).append(number)
    if not shards:
        raise ValueError(
            'sampler.type=ShardSampler: no video of the data set lies in tar files, '
            'which `bike pack-videos` writes; sampler.type=DefaultSampler draws from '
            'other files'
        )
    return [torch.tensor(numbers) for numbers in [*shards.values(), others] if numbers]
