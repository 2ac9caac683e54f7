"""Finding the label of a class by its name."""

import re
from collections.abc import Sequence

from ..text_files import shorten


class ClassLabels:
    """Labels by class name, whatever its case, spaces and punctuation.

    Args:
        names (Sequence[str]): Class names in the order of their labels.

    Raises:
        ValueError: if two names differ in case and punctuation only.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._labels: dict[str, int] = {}
        for label, name in enumerate(self.names):
            other = self._labels.setdefault(self._key(name), label)
            if other != label:
                raise ValueError(
                    f'the classes {self.names[other]!r} and {name!r} are too much alike'
                )

    def __contains__(self, name: str) -> bool:
        return self._key(name) in self._labels

    def find(self, name: str, where: str) -> int:
        """The label of a class.

        Args:
            name (str): The class.
            where (str): File that names it, for the message.

        Raises:
            ValueError: if there is no such class.
        """
        if name not in self:
            raise ValueError(
                f'{where}: class {shorten(name)} is none of the '
                f'{len(self.names)} expected ones, such as '
                f"'{self.names[0]}'"
            )
        return self._labels[self._key(name)]

    def check_all_named(self, names: Sequence[str], where: str) -> None:
        """Raise if a class does not occur.

        Raises:
            ValueError: names the class and how many there are.
        """
        labels = {self.find(name, where) for name in names}
        absent = [n for i, n in enumerate(self.names) if i not in labels]
        if absent:
            raise ValueError(
                f'{where}: {len(absent)} of {len(self.names)} '
                f"classes are not there, such as '{absent[0]}'"
            )

    @staticmethod
    def _key(name: str) -> str:
        return re.sub(r'[\W_]+', '', name.lower())
