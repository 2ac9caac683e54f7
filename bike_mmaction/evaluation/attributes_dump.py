"""Write the attributes of every video of a data set, and go on after a stop.

Generating attributes is a test of the model of
:func:`bike_mmaction.models.association.association_model`: the loop is
MMAction2's, the sampler leaves out what is done, the "metric" writes a file.
"""

import json
import os
import os.path as osp
import shutil
from collections.abc import Iterator, Sequence
from glob import glob
from typing import Callable, Optional

from mmaction.registry import DATA_SAMPLERS, METRICS
from mmengine.dist import barrier, broadcast_object_list, get_dist_info, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch.utils.data import Sampler

from ..datasets.attribute_file import PHRASES, write_attribute_file
from ..files import source_of, write_json
from ..models.association import nearest_phrases


class Journal:
    """What is done of a data set: a folder that survives a kill.

    Each process appends lines of JSON to its own file, one a video. A line
    that a kill has torn is left out.

    Args:
        folder (str): Made if it is absent.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._header = osp.join(folder, 'header.json')

    def start(self, header: dict) -> None:
        """Begin, or go on with the same settings.

        Args:
            header (dict): What determines the result, as JSON gives it back.

        Raises:
            ValueError: if the folder was begun with other settings; names
                the first that differs.
        """
        if osp.isfile(self._header):
            check_same(self.header(), header, self.folder)
            return
        write_json(self._header, header)

    def header(self) -> dict:
        """The settings it was begun with."""
        with open(self._header, encoding='utf-8') as file:
            return json.load(file)

    def append(self, records: Sequence[dict]) -> None:
        """Add the videos of a batch."""
        path = osp.join(self.folder, f'rank{get_dist_info()[0]}.jsonl')
        text = ''.join(f'{json.dumps(record)}\n' for record in records)
        with open(path, 'ab+') as file:
            size = file.seek(0, os.SEEK_END)
            if size:  # a torn line must not run into the next one
                file.seek(size - 1)
                if file.read(1) != b'\n':
                    text = f'\n{text}'
            file.write(text.encode())

    def read(self) -> dict[int, dict]:
        """All videos that are done, by their number in the data set."""
        records = {}
        for path in sorted(glob(osp.join(self.folder, '*.jsonl'))):
            with open(path, 'rb') as file:
                for line in file:
                    try:
                        record = json.loads(line)
                        records[record['index']] = record
                    except (ValueError, TypeError, KeyError):
                        continue  # torn by a kill; it will be done again
        return records

    def remove(self) -> None:
        """Forget it all."""
        shutil.rmtree(self.folder)


def check_same(old: dict, new: dict, where: str) -> None:
    """Refuse to mix results of different settings.

    Raises:
        ValueError: naming the first setting that differs.
    """
    for key in sorted(set(old) | set(new)):
        if old.get(key) != new.get(key):
            raise ValueError(
                f"'{where}' was made with another '{key}': "
                f'{json.dumps(old.get(key))[:200]}, now it is '
                f'{json.dumps(new.get(key))[:200]}. Choose another file, or '
                'start anew with --overwrite'
            )


@DATA_SAMPLERS.register_module()
class PendingSampler(Sampler):
    """The batches of a data set that a :class:`Journal` does not have.

    A batch always holds the same videos, however often the run was stopped
    and on however many processes it goes on: so do its numbers. Processes
    take turns; no video is done twice to fill a batch.

    Args:
        dataset (Sized): The data set.
        folder (str): Of the journal.
        batch_size (int): That of the data loader.
        seed (int, optional): Not used; every sampler is given one.
    """

    def __init__(
        self, dataset, folder: str, batch_size: int, seed: Optional[int] = None
    ) -> None:
        done = {
            index
            for index, record in Journal(folder).read().items()
            if 'unreadable' not in record  # it may be there by now
        }
        barrier()  # nobody writes before all have read
        size = len(dataset)
        blocks = (
            range(first, min(first + batch_size, size))
            for first in range(0, size, batch_size)
        )
        pending = [b for b in blocks if not all(i in done for i in b)]
        self.total = sum(map(len, pending))
        rank, world_size = get_dist_info()
        self.indices = [i for b in pending[rank::world_size] for i in b]

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
        folder (str): Of the :class:`Journal`, already started.
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
        outcome: list = [None]
        if is_main_process():
            try:
                outcome = [self._write(size)]
            except Exception as error:  # the others must not wait for ever
                outcome = [error]
        broadcast_object_list(outcome)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return {f'{self.prefix}/{k}': v for k, v in outcome[0].items()}

    def _collect(self, size: int) -> tuple[dict[str, dict], dict[str, str]]:
        """Attributes of the videos, and why others could not be read."""
        records = self.journal.read()
        missing = [i for i in range(size) if i not in records]
        if missing:
            raise RuntimeError(
                f"'{self.journal.folder}' lacks videos number "
                f'{missing[:5]} ...; run the command again'
            )
        videos: dict[str, dict] = {}
        unreadable: dict[str, str] = {}
        for _, record in sorted(records.items()):
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
