"""The metrics of a config: one, or a list of them."""

from collections.abc import Sequence
from typing import Any, Union

from mmengine.config import ConfigDict


def metrics_of(evaluator: Union[dict, Sequence[dict], None]) -> list[Any]:
    """The metrics of an evaluator's config, as a list; empty for None."""
    if isinstance(evaluator, (list, tuple)):
        return list(evaluator)
    return [evaluator] if evaluator else []


def add_metric(cfg, **metric) -> None:
    """Append to the metrics of a config's test."""
    cfg.test_evaluator = [*metrics_of(cfg.test_evaluator), ConfigDict(metric)]
