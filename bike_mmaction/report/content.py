"""What a page is made of."""

from typing import NamedTuple, Optional

import numpy as np

from .curves import Curves
from .measures import Mistake
from .strips import Strip


class Labelling(NamedTuple):
    """Which labels a model names.

    Attributes:
        confidences (np.ndarray): [N, K], of each class by itself.
        threshold (float): From which a class is named.
    """

    confidences: np.ndarray
    threshold: float

    @property
    def named(self) -> np.ndarray:
        """Bool [N, K]."""
        return self.confidences >= self.threshold


class Content(NamedTuple):
    """What a page is made of.

    Attributes:
        title (str): Of the page.
        facts (list[tuple[str, str]]): What was measured on.
        names (list[str]): Of the K classes.
        scores (np.ndarray): [N, K].
        labels (np.ndarray): Class numbers [N], or bool [N, K] where a video
            may have several.
        files (list[str]): Of the N videos; '' where they are not known.
        mistakes (list[Mistake]): The worst.
        strips (list[Strip]): Of the mistakes; empty without a model.
        no_strips (str): Why there are none; else ''.
        training (list[int], optional): Clips that each class was trained on.
        curves (Curves, optional): Of the training.
        labelling (Labelling, optional): Where a video may have several, what
            the model names; None without a model that tells it.
    """

    title: str
    facts: list[tuple[str, str]]
    names: list[str]
    scores: np.ndarray
    labels: np.ndarray
    files: list[str]
    mistakes: list[Mistake]
    strips: list[Strip]
    no_strips: str = ''
    training: Optional[list[int]] = None
    curves: Optional[Curves] = None
    labelling: Optional[Labelling] = None
