"""Write the attributes of every video of a data set, and go on after a stop.

Generating attributes is a test of the model of
:func:`bike_mmaction.models.association.association_model`: the loop is
MMAction2's, the sampler leaves out what is done, the "metric" writes a file.
"""

import os.path as osp
from collections.abc import Iterator, Sequence
from typing import Callable, Optional

import numpy as np
from mmaction.registry import DATA_SAMPLERS, METRICS
from mmengine.dist import barrier
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch.utils.data import Sampler

from ..datasets.attribute_file import PHRASES, write_attribute_file
from ..files import source_of
from ..models.association import nearest_phrases
from .journal import Journal, by_main_process, own_items


@DATA_SAMPLERS.register_module()
class PendingSampler(Sampler):
    """The batches of a data set that a :class:`.Journal` does not have.

    See :func:`.own_items`: so its numbers are the same, however often the run
    was stopped.

    Args:
        dataset (Sized): The data set.
        folder (str): Of the journal.
        batch_size (int): That of the data loader.
        seed (int, optional): Not used; every sampler is given one.
    """

    def __init__(
        self, dataset, folder: str, batch_size: int, seed: Optional[int] = None
    ) -> None:
        records = Journal(folder).find(len(dataset))
        barrier()  # nobody writes before all have read
        # What could not be read may be there by now.
        is_done = records.is_done & ~records.has_failed
        items, self.total = own_items(is_done, batch_size)
        self.indices = items.tolist()

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)

    def __len__(self) -> int:
        return len(self.indices)


@METRICS.register_module()
class AttributesDump(BaseMetric):
    """Write the nearest phrases of a lexicon for every video.

    Only the phrases taken are kept, not the scores of the whole lexicon.

    Args:
        out (str): The attribute file, see
            :mod:`bike_mmaction.datasets.attribute_file`.
        folder (str): Of the :class:`.Journal`, already begun.
        phrases (Sequence[str]): The lexicon, in the order of the scores.
        topk (int): Phrases per video.
        roots (dict[str, str]): Folders that the keys of the file are relative
            to: 'video' for files, 'img' for folders of frames.

    Raises:
        ValueError: if ``topk`` exceeds the lexicon.
    """

    default_prefix = 'attributes'

    def __init__(
        self,
        out: str,
        folder: str,
        phrases: Sequence[str],
        topk: int,
        roots: Optional[dict[str, str]] = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if not 1 <= topk <= len(phrases):
            raise ValueError(f'topk={topk}, but the lexicon has {len(phrases)} phrases')
        self.phrases = phrases
        self.out = out
        self.journal = Journal(folder)
        self.topk = topk
        self.roots = roots or {}
        self.on_progress: Callable[[int], None] = lambda count: None

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Write down a batch."""
        self.journal.append([self._record(s) for s in data_samples])
        self.on_progress(len(data_samples))

    def _record(self, sample: dict) -> dict:
        root = self.roots.get('video' if 'filename' in sample else 'img')
        path = source_of(sample)
        key = osp.relpath(path, root) if root else path
        record = dict(index=int(sample['sample_idx']), key=key)
        if 'unreadable' in sample:
            return dict(record, unreadable=sample['unreadable'])
        phrases, scores = nearest_phrases(sample['pred_score'], self.phrases, self.topk)
        # Five digits: what two builds of torch differ by is below.
        return dict(record, phrases=phrases, scores=[round(s, 5) for s in scores])

    def compute_metrics(self, results: list) -> dict:
        """Not used: results are in the journal, see :meth:`evaluate`."""
        return {}

    def evaluate(self, size: int) -> dict:
        """Write the attribute file, when all processes are done.

        Args:
            size (int): Length of the data set.

        Returns:
            dict: Numbers of videos written and unreadable.

        Raises:
            RuntimeError: if no video could be read.
        """
        barrier()
        counts = by_main_process(lambda: self._write(size))
        return {f'{self.prefix}/{k}': v for k, v in counts.items()}

    def _collect(self, size: int) -> tuple[dict[str, dict], dict[str, str]]:
        """Attributes of the videos, and why others could not be read."""
        records = self.journal.find(size)
        missing = np.flatnonzero(~records.is_done).tolist()
        if missing:
            raise RuntimeError(
                f"'{self.journal.folder}' lacks videos number "
                f'{missing[:5]} ...; run the command again'
            )
        videos: dict[str, dict] = {}
        unreadable: dict[str, str] = {}
        for record in records.read(range(size)):
            key = record['key']
            if 'unreadable' in record:
                unreadable[key] = record['unreadable']
                continue
            attributes = {PHRASES: record['phrases'], 'scores': record['scores']}
            if videos.setdefault(key, attributes) != attributes:
                raise RuntimeError(
                    f"'{key}' is listed more than once, with "
                    'different attributes: clips of one file '
                    'cannot be told apart'
                )
        return videos, unreadable

    def _write(self, size: int) -> dict:
        """Write the file and say so; the journal stays while videos lack."""
        videos, unreadable = self._collect(size)
        if not videos:
            raise RuntimeError(
                f'none of {size} videos could be read; the '
                f'first: {next(iter(unreadable.values()))}'
            )
        header = dict(self.journal.header(), unreadable=unreadable)
        write_attribute_file(self.out, header, videos)
        if not unreadable:
            self.journal.remove()
        for reason in unreadable.values():
            print_log(f'No attributes: {reason}', 'current')
        if unreadable:
            print_log(
                'The same command tries them again; without need of that, '
                f"delete '{self.journal.folder}'",
                'current',
            )
        print_log(
            f'Attributes of {len(videos)} videos written to {self.out}; '
            f'{len(unreadable)} could not be read',
            'current',
        )
        return dict(videos=len(videos), unreadable=len(unreadable))
