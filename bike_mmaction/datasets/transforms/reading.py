"""Transforms that read a file, told apart from those that work on images."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

from mmengine.structures import BaseDataElement

from ...errors import UnreadableError, explain
from ...files import source_of
from ...video import DamagedVideoWarning


class ReadingStep:
    """A transform that reads a file: where it fails, the file is at fault.

    Args:
        transform (Callable): The transform.
        damaged (dict[str, str]): Takes, by file, what of it is missing.
    """

    def __init__(self, transform: Any, damaged: dict[str, str]) -> None:
        self.transform, self.damaged = transform, damaged

    def __call__(self, results: dict) -> Optional[dict]:
        """Apply it.

        Raises:
            UnreadableError: if it fails, whatever the reason.
        """
        source, reader = source_of(results, ''), results.get('video_reader')
        try:
            after = self.transform(results)
        except Exception as error:
            raise UnreadableError(_explain(source, error)) from error
        if after and after.get('video_reader') is not None:
            reader = after['video_reader']
        damage = getattr(reader, 'damage', None)  # more may show by decoding
        if damage:
            self.damaged[source] = str(damage)
        return after

    def __repr__(self) -> str:
        return repr(self.transform)


def _explain(source: str, error: Exception) -> str:
    """In one line; names the file, where the transform was told which it is."""
    if source and f"'{source}'" in str(error):
        return str(error)
    return explain(source, error) if source else f'{type(error).__name__}: {error}'


def mark_reading(transforms: list, damaged: dict[str, str]) -> bool:
    """Replace the transforms that read by a :class:`ReadingStep` of each.

    Args:
        transforms (list[Callable]): Of a pipeline; changed in place, also
            within those that consist of others.
        damaged (dict[str, str]): Takes, by file, what of it is missing.

    Returns:
        bool: Whether there are any.
    """
    reads = False
    for place, transform in enumerate(transforms):
        if isinstance(transform, ReadingStep):
            transform = transform.transform
        inner = getattr(getattr(transform, 'transforms', None), 'transforms', None)
        if isinstance(inner, list):
            reads |= mark_reading(inner, damaged)
        elif _reads(transform):
            transforms[place], reads = ReadingStep(transform, damaged), True
    return reads


def _reads(transform: Any) -> bool:
    """Whether a transform opens or decodes: MMAction2's names tell."""
    name = type(transform).__name__
    return name.endswith(('Init', 'Decode', 'SampleFrames')) or name == 'KeepSegment'


def samples_of(packed: Any) -> list[BaseDataElement]:
    """The data samples in what a pipeline gives, or in a batch of that."""
    if isinstance(packed, dict):
        return samples_of(packed.get('data_samples'))
    if isinstance(packed, (list, tuple)):  # a batch, or repeated augmentation
        return [sample for one in packed for sample in samples_of(one)]
    return [packed] if isinstance(packed, BaseDataElement) else []


@contextmanager
def without_damage_warnings(is_wanted: bool = True) -> Iterator[None]:
    """No warnings of damaged videos, where somebody else tells of them."""
    with warnings.catch_warnings():
        if is_wanted:
            warnings.simplefilter('ignore', DamagedVideoWarning)
        yield
