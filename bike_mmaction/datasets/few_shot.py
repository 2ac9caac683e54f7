"""Few-shot training: a few videos of each class (section 3.2, Table 4)."""

from typing import Optional, Union

import numpy as np
from mmaction.registry import DATASETS, HOOKS
from mmengine.dataset import BaseDataset, RepeatDataset
from mmengine.dist import master_only
from mmengine.hooks import Hook

from ..files import source_of, write_lines
from .entries import entry_of


def choose_shots(
    labels: dict[int, list[int]], shots: int, seed: int, allow_fewer: bool
) -> list[int]:
    """Draw videos of each class.

    Args:
        labels (dict[int, list[int]]): Numbers of the videos of each class.
        shots (int): Videos per class.
        seed (int): The same seed gives the same videos.
        allow_fewer (bool): Whether a class may have fewer.

    Returns:
        list[int]: Numbers of the videos, class after class.

    Raises:
        ValueError: if a class has fewer; names it.
    """
    rng, chosen = np.random.RandomState(seed), []
    for label in sorted(labels):
        videos = labels[label]
        if len(videos) < shots and not allow_fewer:
            raise ValueError(
                f'class {label} has {len(videos)} videos, but shots={shots}; '
                'allow_fewer=True takes what there is'
            )
        count = min(shots, len(videos))
        chosen += sorted(rng.permutation(videos)[:count].tolist())
    return chosen


@DATASETS.register_module()
class FewShotDataset(RepeatDataset):
    """A few videos per class of any data set, or segments, repeated.

    They are repeated as often as they fit into the whole data set, so that an
    epoch keeps its length. What is drawn depends on the list of the data set,
    ``shots`` and ``seed`` alone: it is the same on every rank.

    Args:
        dataset (dict | BaseDataset): The data set, single-label; of
            MMAction2, or another that reads an annotation file.
        shots (int): Videos per class.
        seed (int): Of the draw. Defaults to 0.
        num_classes (int, optional): Classes that there should be.
            Defaults to None: those of the videos.
        allow_fewer (bool): Whether a class may have fewer videos, or none.
            Defaults to False.

    Raises:
        TypeError: if the data set itself repeats or joins others.
        ValueError: if a class has fewer videos than ``shots``, or a video
            has no label or several.
    """

    def __init__(
        self,
        dataset: Union[dict, BaseDataset],
        shots: int,
        seed: int = 0,
        num_classes: Optional[int] = None,
        allow_fewer: bool = False,
    ) -> None:
        if shots < 1:
            raise ValueError(f'shots={shots} must be positive')
        super().__init__(dataset, times=1)
        if not isinstance(self.dataset, BaseDataset):
            raise TypeError(
                'FewShotDataset draws from a data set with an '
                'annotation file, not from a '
                f'{type(self.dataset).__name__}'
            )
        labels: dict[int, list[int]] = {label: [] for label in range(num_classes or 0)}
        for i in range(len(self.dataset)):
            labels.setdefault(self._label(i), []).append(i)
        whole = len(self.dataset)
        self.dataset.get_subset_(choose_shots(labels, shots, seed, allow_fewer))
        self._ori_len = len(self.dataset)
        self.times = max(1, whole // self._ori_len)

    def _label(self, index: int) -> int:
        info = self.dataset.get_data_info(index)
        label = info.get('label')
        if isinstance(label, (int, np.integer)) and label >= 0:
            return int(label)
        raise ValueError(
            'few-shot training needs one label a video; '
            f"'{source_of(info)}' has {label!r}"
        )

    def chosen(self) -> list[str]:
        """What was drawn, as lines of an annotation file."""
        folders = self.dataset.data_prefix.values()
        infos = map(self.dataset.get_data_info, range(self._ori_len))
        return [' '.join(map(str, entry_of(x, folders))) for x in infos]


@HOOKS.register_module()
class WriteFewShotList(Hook):
    """Write ``few_shot_list.txt`` into the run's folder.

    After the first batch: a start that fails leaves that of the run before.
    """

    def __init__(self) -> None:
        self._written = False

    def before_train(self, runner) -> None:
        """Look whether there is anything to write.

        Raises:
            TypeError: if it is no :class:`FewShotDataset`.
        """
        dataset = runner.train_dataloader.dataset
        if not isinstance(dataset, FewShotDataset):
            raise TypeError(
                'WriteFewShotList needs '
                "train_dataloader.dataset.type='FewShotDataset', "
                f'got a {type(dataset).__name__}'
            )

    @master_only
    def after_train_iter(self, runner, *args, **kwargs) -> None:
        """Write what the training data set has drawn, once."""
        if self._written:
            return
        self._written = True
        dataset = runner.train_dataloader.dataset
        path = f'{runner.work_dir}/few_shot_list.txt'
        write_lines(path, dataset.chosen())
        info = dataset.get_data_info(0)
        kind = 'segments' if {'segment', 'offset'} & set(info) else 'videos'
        runner.logger.info(
            f'{dataset._ori_len} {kind} drawn, each '
            f'{dataset.times} times an epoch: {path}'
        )
