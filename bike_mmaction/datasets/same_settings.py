"""What a result was made with: the same again, or refused by name."""

import json
from itertools import takewhile
from typing import Any

_SHOWN = 200  # letters of a setting, in messages


class OtherSettingsError(ValueError):
    """What is there was made with other settings than those of now.

    Args:
        where (str): What is there.
        difference (str): The first setting that differs.
    """

    def __init__(self, where: str, difference: str) -> None:
        self.difference = difference
        super().__init__(
            f"'{where}' was made with {difference}. Choose another file, or start "
            'anew with --overwrite'
        )


def check_same(old: dict, new: dict, where: str) -> None:
    """Refuse to mix results of different settings.

    Raises:
        OtherSettingsError: naming the first setting that differs.
    """
    for key in sorted(set(old) | set(new)):
        if old.get(key) != new.get(key):
            before, now = _difference(old.get(key), new.get(key))
            raise OtherSettingsError(
                where, f"another '{key}': {before}, now it is {now}"
            )


def _difference(old: Any, new: Any) -> tuple[str, str]:
    """What differs of two settings, as short texts."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [k for k in sorted({*old, *new}) if old.get(k) != new.get(k)]
        old, new = ({k: v[k] for k in keys if k in v} for v in (old, new))
    texts = json.dumps(old), json.dumps(new)
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(*texts))))
    start = max(0, same - _SHOWN // 2)
    before, now = (
        f'{"..." if start else ""}{text[start : start + _SHOWN]}' for text in texts
    )
    return before, now
