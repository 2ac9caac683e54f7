"""The classes of a recognizer's calls."""

import warnings
from collections.abc import Sequence
from typing import Optional, Union

from mmaction.models import BaseRecognizer

from ...datasets.class_names import load_class_names
from ...models.text_head import TextHead, with_classes


def default_threshold(head: TextHead) -> float:
    """Confidence below which a class is not named, where nobody chose one."""
    return 0.0 if head.bias is None else 0.5


class CallClasses:
    """Which classes a call has, and which threshold goes with them.

    Args:
        model (BaseRecognizer): With a :class:`.VCSHead`.
        threshold (float, optional): Chosen for the classes that it was trained
            on; None if none was.
    """

    def __init__(self, model: BaseRecognizer, threshold: Optional[float]) -> None:
        self.model, self.head = model, model.cls_head
        self._threshold = None if threshold is None else float(threshold)
        self._classes: Optional[list[str]] = None
        self._named = False  # whether a call has named its classes

    @property
    def classes(self) -> list[str]:
        """Names of the classes of a call that names none."""
        return list(self._classes or self.head.class_names)

    def set_classes(self, classes: Union[str, Sequence[str]]) -> None:
        """Recognize these from now on, in calls that name no classes.

        Args:
            classes (str | Sequence[str]): As in a call.
        """
        self._classes = load_class_names(classes)

    def threshold_for(
        self, classes: Union[str, Sequence[str], None], threshold: Optional[float]
    ) -> float:
        """The threshold of a call.

        Args:
            classes (str | Sequence[str], optional): As in a call.
            threshold (float, optional): As in a call.
        """
        if threshold is not None:
            return threshold
        names = self.classes if classes is None else load_class_names(classes)
        if self._threshold is None or names != list(self.head.class_names):
            return default_threshold(self.head)
        return self._threshold

    def _model_for(self, classes) -> BaseRecognizer:
        """The model for the classes of a call."""
        if classes is not None:
            self._named = True
        elif self._named and self._classes is None:
            self._named = False  # once is enough
            warnings.warn(
                f'recognizing the {len(self.classes)} classes of the config: '
                'those of an earlier call were for that call; set_classes() '
                'sets them for all'
            )
        return with_classes(self.model, self.classes if classes is None else classes)
