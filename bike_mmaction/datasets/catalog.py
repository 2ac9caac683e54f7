"""The data sets of the paper: their classes, and where their lists lie.

Configs and ``bike prepare`` both look here, so that what one writes
is what the other reads.
"""

from typing import NamedTuple, Optional


class DatasetInfo(NamedTuple):
    """A data set.

    Attributes:
        name (str): Its name in file names and on the command line.
        num_classes (int): Number of classes.
        class_names (str): Built-in list or path, maybe with ``{split}``.
        splits (tuple[int]): Numbers of its official splits; () if the
            official division into training and validation is the only one.
        parts (tuple[str]): Of 'train', 'val', 'test' and 'full', which is all
            whole videos of the data set, whatever the split.
        tested (str): The part that tests use.
        root (str): Folder below ``data``, by default the name.
        by_part (bool): Whether the videos of the parts lie in folders of
            their own, such as ``videos_train`` and ``videos_val``.
        segments (bool): Whether training videos are segments of files.
        shortest (float): Seconds that such a segment must have at least.
        multi_label (bool): Whether videos to test have several labels.
        metrics (tuple[str]): Types of the metrics, the most usual first.
        frames (str): Name of frame number i, where frames are extracted;
            ``{video}`` stands for the name of their folder.
        fps (float): Frames a second, where frames are extracted; segments
            are found by it.
        video_id (str): Regular expression of the name of a whole video; an
            underscore and a number behind it make the name of a segment, as
            in the authors' lists. '' where there are no segments.
    """

    name: str
    num_classes: int
    class_names: str
    splits: tuple[int, ...] = ()
    parts: tuple[str, ...] = ('train', 'val')
    tested: str = 'val'
    root: str = ''
    by_part: bool = False
    segments: bool = False
    shortest: float = 0
    multi_label: bool = False
    metrics: tuple[str, ...] = ('AccMetric',)
    frames: str = 'img_{:05}.jpg'
    fps: float = 24
    video_id: str = ''

    @property
    def data_root(self) -> str:
        """Folder of the lists and of the videos."""
        return f'data/{self.root or self.name}'

    def classes(self, split: Optional[int] = None) -> str:
        """The source of the class names, for ``load_class_names``."""
        return self.class_names.replace('{split}', str(split))

    def list_name(
        self, part: str, split: Optional[int] = None, kind: str = 'videos'
    ) -> str:
        """File name of an annotation file.

        Args:
            part (str): One of ``parts``.
            split (int, optional): Number of the official split; None for
                'full'.
            kind (str): 'videos' or 'rawframes'. Defaults to 'videos'.

        Raises:
            ValueError: if the data set has no such part or split.
        """
        if part not in self.parts:
            raise ValueError(f"{self.name} has no part '{part}', only {self.parts}")
        splits = () if part == 'full' else self.splits
        if split not in (splits or (None,)):
            raise ValueError(
                f'split={split!r}: the splits of {self.name} are '
                f'{splits or "not numbered, give None"}'
            )
        number = '' if split is None else f'_split{split}'
        return f'{self.name}_{part}{number}_list_{kind}.txt'

    def folder(self, part: str, kind: str = 'videos') -> str:
        """Name of the folder of the videos of a part."""
        return f'{kind}_{part}' if self.by_part else kind


_ALL = (
    DatasetInfo('kinetics400', 400, 'kinetics400', by_part=True),
    # Its names are written by `bike prepare`, from the official files.
    DatasetInfo('kinetics600', 600, 'data/kinetics600/class_names.txt', by_part=True),
    DatasetInfo(
        'kinetics600_zeroshot',
        160,
        'kinetics600_zeroshot_split{split}',
        splits=(1, 2, 3),
        parts=('test',),
        tested='test',
        root='kinetics600',
        by_part=True,
    ),
    DatasetInfo(
        'ucf101',
        101,
        'ucf101',
        splits=(1, 2, 3),
        parts=('train', 'val', 'full'),
        frames='image_{:04}.jpg',
    ),
    DatasetInfo(
        'hmdb51',
        51,
        'hmdb51',
        splits=(1, 2, 3),
        parts=('train', 'val', 'full'),
        frames='image_{:06}.jpg',
    ),
    # Trained on the instances that have 8 frames at one frame a second.
    DatasetInfo(
        'activitynet',
        200,
        'activitynet200',
        parts=('train', 'val', 'full'),
        segments=True,
        shortest=8,
        metrics=('AccMetric', 'MeanAPMetric'),
        frames='image_{:06}.jpg',
        fps=1,
        video_id=r'v_[\w-]{11}|[\w-]{11}',
    ),
    DatasetInfo(
        'charades',
        157,
        'charades157',
        segments=True,
        multi_label=True,
        metrics=('MeanAPMetric',),
        frames='{video}-{:06}.jpg',
        video_id=r'[A-Z0-9]{5}',
    ),
)
CATALOG = {info.name: info for info in _ALL}
FRAMES = tuple(dict.fromkeys(info.frames for info in _ALL))


def find_dataset(name: str) -> DatasetInfo:
    """Look up a data set.

    Raises:
        ValueError: if it is unknown; names those that are known.
    """
    if name not in CATALOG:
        raise ValueError(f"dataset '{name}' is unknown; choose from {tuple(CATALOG)}")
    return CATALOG[name]
