"""Which rows can be run, which are done, and what the others lack."""

import json
import os.path as osp
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Optional

from mmengine.config import Config

from ..datasets.pipeline_access import own_dataset
from ..files import file_sha256
from .index import Index
from .needs import Need, missing_data, missing_weights
from .rows import Row
from .settings import (
    PRETRAINED,
    Settings,
    checkpoint_bytes,
    digest,
    encoders,
    kept_checkpoints,
    read_config,
    recipe_of,
    total_batch,
    training_config,
)


class Training(NamedTuple):
    """A training that is not finished.

    Attributes:
        name (str): Of the model.
        config (Config): Its own.
        folder (str): Where it works.
        begun (int): Epochs that are done.
        identity (str): Of its recipe.
        published_batch (int): Videos a step in the authors' training.
    """

    name: str
    config: Config
    folder: str
    begun: int
    identity: str
    published_batch: int

    @property
    def epochs(self) -> int:
        """How many it has."""
        return self.config.train_cfg.max_epochs

    @property
    def file(self) -> str:
        """Its last checkpoint, when it is finished."""
        return osp.join(self.folder, f'epoch_{self.epochs}.pth')

    @property
    def disk(self) -> Optional[int]:
        """Bytes of the checkpoints that it keeps."""
        size = checkpoint_bytes(self.config)
        return size and size * kept_checkpoints(self.config)


class Weights(NamedTuple):
    """Where the checkpoint of a model comes from.

    Attributes:
        file (str): Where it lies, after the trainings.
        trainings (tuple[Training]): To be run before, in this order.
        missing (tuple[Need]): What they lack; then the file is to be given.
        recipe (str): Identity of the training; '' of a file that was given.
    """

    file: str
    trainings: tuple[Training, ...] = ()
    missing: tuple[Need, ...] = ()
    recipe: str = ''


class PlannedRow(NamedTuple):
    """A row and its state.

    Attributes:
        row (Row): Of the table.
        config (Config): Of its test.
        folder (str): Where it is tested.
        weights (Weights): What is tested.
        lacking (tuple[Need]): What the test lacks, beside the weights.
        results (dict, optional): Of its test, where that is done.
    """

    row: Row
    config: Config
    folder: str
    weights: Weights
    lacking: tuple[Need, ...]
    results: Optional[dict]

    @property
    def missing(self) -> tuple[Need, ...]:
        """What test and trainings lack."""
        return tuple(dict.fromkeys([*self.lacking, *self.weights.missing]))

    @property
    def state(self) -> str:
        """In a word or two."""
        if self.results:
            return 'done'
        if self.missing:
            return 'missing'
        if not self.weights.trainings:
            return 'test only'
        *first, last = self.weights.trainings
        after = ''.join(f', after {training.name}' for training in first)
        if last.begun:
            return f'resume after epoch {last.begun} of {last.epochs}{after}'
        return f'train{after}'


class Planner:
    """Looks at what is at hand.

    Args:
        index (Index): Of the models.
        rows (Sequence[Row]): To be reproduced.
        settings (Settings): Of the user.
    """

    def __init__(self, index: Index, rows: Sequence[Row], settings: Settings) -> None:
        self.index, self.rows, self.settings = index, rows, settings
        self.to_train = (
            {index.weights_of(row.name) for row in rows} if settings.train else set()
        )
        self.known: dict[str, Weights] = {}

    def plan(self) -> list[PlannedRow]:
        """All rows, as things are now."""
        self.known.clear()
        return [self._plan(row) for row in self.rows]

    def _plan(self, row: Row) -> PlannedRow:
        cfg = read_config(self.index, row.name, self.settings, row.views)
        weights = self.weights(self.index.weights_of(row.name))
        prepared_by = self.index.prepared_by(row.name)
        lacking = missing_data(cfg, ['test'], self.settings, prepared_by)
        if weights.file == PRETRAINED:
            lacking += missing_weights(cfg, prepared_by)
        folder = osp.join(self.settings.work_dir, row.name, f'test_{row.views}')
        planned = PlannedRow(row, cfg, folder, weights, tuple(lacking), None)
        return planned._replace(results=read_results(planned))

    def weights(self, name: str) -> Weights:
        """Where the checkpoint of a model comes from."""
        if name not in self.known:
            self.known[name] = self._at_hand(name) or self._trained(name)
        return self.known[name]

    def _at_hand(self, name: str) -> Optional[Weights]:
        if name == PRETRAINED:
            return Weights(PRETRAINED)
        if name in self.to_train:
            return None
        if name in self.settings.checkpoints:
            return Weights(self.settings.checkpoints[name])
        for folder in self.settings.folders:
            cfg = read_config(self.index, name, self.settings)
            epochs = cfg.train_cfg.max_epochs
            for path in (
                f'{name}.pth',
                f'{name}.pt',
                f'{name}.safetensors',
                f'{name}/epoch_{epochs}.pth',
                f'{name}/training/epoch_{epochs}.pth',
            ):
                if osp.isfile(osp.join(folder, path)):
                    return Weights(osp.join(folder, path))
        return None

    def _trained(self, name: str) -> Weights:
        """A training of an earlier run, or one that is to be run."""
        start = self.index.entries[name]['Metadata'].get('Starts From')
        first = self.weights(start) if start else Weights('')
        cfg = training_config(self.index, name, self.settings, first.file)
        origin = first.recipe or (first.file and hash_of(first.file))
        identity = digest(
            [recipe_of(cfg, self.settings.gpus), origin, clip_weights(cfg)]
        )
        folder = osp.join(self.settings.work_dir, name, 'training')
        training = Training(
            name,
            cfg,
            folder,
            trained_epochs(folder),
            identity,
            total_batch(self.index, name),
        )
        missing = [] if same_recipe(training) else [_other_training(folder)]
        if training.begun >= training.epochs and osp.isfile(training.file):
            return Weights(training.file, (), tuple(missing), identity)
        prepared_by = self.index.prepared_by(name)
        missing += [
            *first.missing,
            *missing_data(cfg, ['train', 'val'], self.settings, prepared_by),
            *missing_weights(cfg, prepared_by),
        ]
        return Weights(
            training.file,
            (*first.trainings, training),
            tuple(dict.fromkeys(missing)),
            identity,
        )


def _other_training(folder: str) -> Need:
    return Need(
        f"'{folder}' has a training with other settings",
        'give those of before, or another --work-dir, or delete it',
    )


def trained_epochs(folder: str) -> int:
    """Epochs that a training has finished and saved; 0 where none has."""
    try:
        with open(osp.join(folder, 'last_checkpoint'), encoding='utf-8') as f:
            last = re.search(r'epoch_(\d+)\.pth$', f.read().strip())
    except OSError:
        return 0
    return int(last[1]) if last else 0


def same_recipe(training: Training) -> bool:
    """Whether nothing is trained yet, or what is was trained like this."""
    if not training.begun:
        return True
    begun = read_json(osp.join(training.folder, 'begun.json'))
    return begun is not None and begun.get('identity') == training.identity


def test_identity(planned: PlannedRow) -> dict:
    """The same for tests of the same weights on the same lists."""
    cfg, path = planned.config, planned.weights.file
    dataset = own_dataset(cfg, 'test')
    files = [dataset['ann_file']] + [
        t['ann_file'] for t in dataset['pipeline'] if t['type'] == 'LoadAttributes'
    ]
    return dict(
        config=digest([cfg.model, cfg.test_dataloader, cfg.test_evaluator]),
        checkpoint=clip_weights(cfg) if path == PRETRAINED else hash_of(path),
        files=list(map(hash_of, files)),
    )


def read_results(planned: PlannedRow) -> Optional[dict]:
    """What the test of a row has written; None if it is to be done (again)."""
    done = read_json(osp.join(planned.folder, 'done.json'))
    if not done or planned.missing or planned.weights.trainings:
        return None
    if done['identity'] != test_identity(planned):
        return None
    return read_json(osp.join(planned.folder, done['results']))


def read_json(path: str) -> Optional[dict]:
    """The content of a file; None if there is none, or only a part of it."""
    try:
        with open(path, encoding='utf-8') as file:
            return json.load(file)
    except (OSError, ValueError, RecursionError):
        return None


def clip_weights(cfg: Config) -> list[str]:
    """Hashes of CLIP's own weights, where they are files; else their tags."""
    names = sorted({part['pretrained'] or '' for part in encoders(cfg)})
    return [hash_of(name) if osp.isfile(name) else name for name in names]


def hash_of(path: str) -> str:
    """SHA-256 of a file, read once as long as it stays the same."""
    return _hash_of(path, osp.getmtime(path), osp.getsize(path))


@cache
def _hash_of(path: str, *age: float) -> str:
    return file_sha256(path)
