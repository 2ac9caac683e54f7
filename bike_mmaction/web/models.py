"""The models of a page, and what a visitor may ask of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Optional

from ..apis.inference.inferencer import BIKEInferencer
from ..datasets.typed_names import join_names, split_names
from ..shipped import PRETRAINED
from .limits import Limits, check_names, check_numbers, check_text


class Wanted(NamedTuple):
    """What a visitor asks for.

    Attributes:
        bike (BIKEInferencer): The model.
        names (list[str]): The classes.
        threshold (float): See :meth:`.BIKEInferencer.__call__`.
        window (float): In seconds; 0 for whole videos.
    """

    bike: BIKEInferencer
    names: list[str]
    threshold: float
    window: float = 0.0


class Start(NamedTuple):
    """What the fields show of a model before a visitor changes them.

    Attributes:
        own (str): Its classes, a line each.
        label (str): How many there are.
        others (bool): Whether it is asked for others, which are typed.
        typed (str): These.
        threshold (float): Chosen for its own classes.
        others_threshold (float): That for any others.
    """

    own: str
    label: str
    others: bool
    typed: str
    threshold: float
    others_threshold: float

    @property
    def first_threshold(self) -> float:
        """That of the classes that it is asked for at first."""
        return self.others_threshold if self.others else self.threshold


class PageModels:
    """The models of a page.

    Args:
        models (Mapping[str, BIKEInferencer]): By the names that visitors see.
        classes (Sequence[str]): Which visitors begin with. Where there are
            none it is those of a trained model itself; for CLIP as it was
            pretrained, which has none of its own, they are to be typed.
        limits (Limits): Of the page.
    """

    def __init__(
        self,
        models: Mapping[str, BIKEInferencer],
        classes: Sequence[str],
        limits: Limits,
    ) -> None:
        self._models, self._classes = dict(models), list(classes)
        self.names = list(self._models)
        texts = [self.start(name).typed for name in self.names]
        counts = [len(self._classes), *(len(b.classes) for b in self._models.values())]
        # A page that was started with more classes takes them again.
        self.limits = replace(
            limits,
            classes=max(limits.classes, *counts),
            text=max(limits.text, *(2 * len(text) for text in texts)),
        )

    def start(self, name: str) -> Start:
        """What the fields show of a model."""
        bike = self._models[name]
        own = join_names(bike.classes)
        is_trained = bike.checkpoint != PRETRAINED
        typed = join_names(self._classes) or ('' if is_trained else own)
        return Start(
            own,
            _count(len(bike.classes)),
            bool(self._classes) or not is_trained,
            typed,
            round(bike.threshold_for(None, None), 4),
            round(bike.threshold_for(['something else'], None), 4),
        )

    @property
    def has_own_classes(self) -> bool:
        """Whether visitors need not name any, at least with one model."""
        return not all(self.start(name).others for name in self.names)

    def wanted(
        self,
        classes: Optional[str],
        threshold: Optional[float],
        window: Optional[float],
        others: Optional[bool],
        model: Optional[str],
    ) -> Wanted:
        """What the values of the fields mean.

        Args:
            classes (str, optional): As typed.
            threshold (float, optional): None: that of the model for them.
            window (float, optional): In seconds; 0 or None for whole videos.
            others (bool, optional): Whether the typed classes are meant, or
                those of the model.
            model (str, optional): Its name; None is the first one.

        Raises:
            ValueError: if something is above its limit, or no class is named.
        """
        model = model or self.names[0]
        if model not in self._models:
            raise ValueError(f'this page has no model {model[:100]!r}')
        bike = self._models[model]
        check_numbers(threshold or 0, window or 0)
        names = bike.classes
        if others:
            check_text(classes or '', self.limits)
            names = split_names(classes or '')
            check_names(names, self.limits)
        if bike.head.bias is not None:  # with 0 it would name all classes
            threshold = threshold or None
        return Wanted(bike, names, bike.threshold_for(names, threshold), window or 0)


def _count(number: int) -> str:
    return 'Class' if number == 1 else f'{number:,} classes'
