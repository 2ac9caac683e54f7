"""What a conversion of a checkpoint gives."""

from typing import NamedTuple


class Conversion(NamedTuple):
    """A converted checkpoint, and what became of its tensors.

    Attributes:
        checkpoint (dict): The converted checkpoint.
        renamed (list[tuple[str, str]]): Old and new name of every tensor.
        unused (list[str]): Old names that have no place in the new layout.
    """

    checkpoint: dict
    renamed: list[tuple[str, str]]
    unused: list[str]
