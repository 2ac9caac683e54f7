"""The frame embeddings of one split of a data set: read, embedded and kept."""

import time
from collections.abc import Sequence
from typing import NamedTuple, Optional

import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import BaseDataset, pseudo_collate
from torch.utils.data import DataLoader, Dataset

from ..datasets.checking import sampled_frames
from ..datasets.embedding_table import Video
from ..datasets.embedding_writer import StoreWriter
from ..datasets.entries import annotated
from ..datasets.pipeline_access import own_dataset
from ..datasets.transforms import ReportUnreadable, video_of
from ..errors import PipelineError
from ..files import source_of
from ..models.frame_encoder import FrameEncoder
from ..recipes.embeddings import root_of
from ..training.draws import SampleNumber
from ..version import __version__
from .progress import Progress

_COMMIT = 2.0  # seconds of work that a kill may cost


class Task(NamedTuple):
    """A sample to be made.

    Attributes:
        number (SampleNumber): Of its video, with the epoch that it is of.
        video (Video): As the store calls it.
        file (str): Where it is.
    """

    number: SampleNumber
    video: Video
    file: str

    @property
    def sample(self) -> int:
        """Its number among those of the video."""
        return self.number.epoch


class Job:
    """The embeddings of one split.

    Args:
        cfg (Config): The config.
        split (str): 'train', 'val' or 'test'.
        loader (dict): Config of its data loader.
        encoder (FrameEncoder): The image tower.
        samples (int): Of each video.
    """

    def __init__(
        self, cfg: Config, split: str, loader: dict, encoder: FrameEncoder, samples: int
    ) -> None:
        own = own_dataset(cfg, split)
        self.split, self.encoder, self.samples = split, encoder, samples
        self.pipeline, self.root = own['pipeline'], root_of(own)
        self.clip_len = sampled_frames(self.pipeline)
        self.config = cfg.filename
        self.dataset = DATASETS.build(loader['dataset'])
        self.options = dict(
            batch_size=int(loader.get('batch_size') or 1),
            workers=int(loader.get('num_workers') or 0),
        )

    def do(
        self,
        folder: str,
        seed: int,
        time_limit: Optional[float],
        overwrite: bool,
        retry: bool,
        progress: bool,
    ) -> dict:
        """Make what is not there; see :func:`embed_dataset`."""
        settings = dict(
            model=self.encoder.settings(),
            pipeline=[dict(step) for step in self.pipeline],
            clip_len=self.clip_len,
            samples=self.samples,
            seed=seed if self.split == 'train' else None,
        )
        about = dict(
            config=self.config,
            root=self.root,
            versions=dict(bike_mmaction=__version__, torch=torch.__version__),
        )
        width, tasks = self.encoder.width, self._tasks(seed)
        writer = StoreWriter(
            folder, settings, width, description=about, overwrite=overwrite
        )
        with writer as store:
            left = [
                [t for t in part if not store.has(t.video, t.sample, t.file, retry)]
                for part in tasks
            ]
            total, pending = (sum(map(len, parts)) for parts in (tasks, left))
            with Progress(total, total - pending, progress, 'sample') as bar:
                for part, of_part in zip(annotated(self.dataset), left):
                    self._make(_Samples(part, time_limit), of_part, store, bar)
            counts = _count(store, [task for part in tasks for task in part])
            store.finish(counts)
        return counts

    def _tasks(self, seed: int) -> list[list[Task]]:
        """What the store shall have, of each part of the data set."""
        known: set[str] = set()
        parts = []
        for part in annotated(self.dataset):
            tasks: list[Task] = []
            for number in range(len(part)):
                info = part.get_data_info(number)
                video = video_of(info, self.root)
                if video.key not in known:  # a list may name one twice
                    known.add(video.key)
                    file = source_of(info)
                    tasks += (
                        Task(SampleNumber(number, seed, sample), video, file)
                        for sample in range(self.samples)
                    )
            parts.append(tasks)
        return parts

    def _make(
        self, dataset: '_Samples', tasks: list[Task], store: StoreWriter, bar: Progress
    ) -> None:
        """Read, embed and keep, batch by batch."""
        size, since = self.options['batch_size'], time.monotonic()
        batches = [tasks[i : i + size] for i in range(0, len(tasks), size)]
        loader = DataLoader(
            dataset,
            batch_sampler=[[task.number for task in batch] for batch in batches],
            num_workers=self.options['workers'],
            collate_fn=pseudo_collate,
        )
        for batch, data in zip(batches, loader):
            self._keep(batch, data['inputs'], data['data_samples'], store)
            bar.update(len(batch))
            if time.monotonic() - since > _COMMIT:
                store.commit()
                since = time.monotonic()
        store.commit()

    def _keep(
        self, tasks: list[Task], inputs: list, samples: list, store: StoreWriter
    ) -> None:
        readable = [images for images in inputs if images is not None]
        embedded = iter(self.encoder(readable) if readable else ())
        for task, images, sample in zip(tasks, inputs, samples):
            video, number, file = task.video, task.sample, task.file
            if images is None:
                store.fail(video, number, file, sample.unreadable)
                continue
            rows = next(embedded)  # [V, T, D]
            if rows.shape[1] != self.clip_len:
                raise ValueError(
                    f'{self.split}_dataloader: clips have {rows.shape[1]} frames, '
                    f'but clip_len={self.clip_len} is sampled'
                )
            store.add(video, number, file, rows.reshape(-1, rows.shape[-1]))


class _Samples(Dataset):
    """The samples of a data set; those that cannot be read say why.

    Args:
        dataset (BaseDataset): The data set. Its pipeline is replaced.
        time_limit (float, optional): Seconds to read a video in.
    """

    def __init__(self, dataset: BaseDataset, time_limit: Optional[float]) -> None:
        self.dataset = dataset
        dataset.pipeline = ReportUnreadable(
            dataset.pipeline.transforms, time_limit=time_limit, warns=False
        )

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int) -> dict:
        data = self.dataset.prepare_data(number)
        if data is None:  # MMEngine would take another video
            file = source_of(self.dataset.get_data_info(number))
            raise PipelineError(f"the pipeline gives nothing for '{file}'")
        return data


def _count(store: StoreWriter, tasks: Sequence[Task]) -> dict:
    entries = [store.table.find(task.video, task.sample) for task in tasks]
    bad = {e.video.path: e.error for e in entries if e is not None and e.error}
    return dict(
        videos=len({task.video.key for task in tasks}),
        samples=sum(e is not None and not e.error for e in entries),
        unreadable=bad,
    )
