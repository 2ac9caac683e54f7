"""Know whether a result on disk was made by the same code and settings.

It does without ``bike_mmaction.files``: drawing needs no torch.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

SOURCES = [
    Path(__file__).with_name(f'{name}.py')
    for name in ('drawing', 'scenes', 'render', 'pretrain')
]


def describe(**settings: Any) -> dict[str, Any]:
    """The settings and a digest of the code that matters, for JSON."""
    code = b''.join(path.read_bytes() for path in SOURCES)
    settings['code'] = hashlib.sha256(code).hexdigest()
    return json.loads(json.dumps(settings))


def matches(path: Path, settings: dict[str, Any]) -> bool:
    """Whether the stamp at ``path`` is there and says the same settings."""
    try:
        return json.loads(path.read_text()) == settings
    except (OSError, ValueError):
        return False


def write(path: Path, settings: dict[str, Any]) -> None:
    """Write the stamp in one step: call it last, when the result is whole."""
    draft = path.with_name(path.name + '.tmp')
    draft.write_text(json.dumps(settings, indent=2) + '\n')
    os.replace(draft, path)
