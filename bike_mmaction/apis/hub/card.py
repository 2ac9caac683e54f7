"""The model card of a shared model: what it is, how to use it, what was measured."""

import html
from typing import Any, Optional

from ...errors import SharedModelError
from ...shipped import HUB
from ...terminal import printable
from ...text_files import read_json, shorten
from ...version import __version__

TAGS = ('bike', 'clip', 'mmaction2', 'video-classification', 'action-recognition')
LIBRARY = 'bike_mmaction'
SHOWN = 50  # names of classes
NOT_MEASURED = 'Not measured: no results of a test were given when it was shared.'
_TEXT = """
# {title}

A video recognizer of bike_mmaction, a plugin for
[MMAction2](https://github.com/open-mmlab/mmaction2) with the method BIKE
([CVPR 2023](https://arxiv.org/abs/2301.00182)).
{about}

## How to use it

```python
from bike_mmaction.apis import BIKEInferencer

bike = BIKEInferencer.from_pretrained({name!r})
for recognition in bike('video.mp4'):
    print(recognition.label, recognition.predictions)
```

Or `bike infer video.mp4 --config {place}`. Any other classes can be
named in a call: `bike('video.mp4', classes=['a dog', 'playing chess'])`.

The folder holds data alone: safetensors and JSON. Loading it runs no code of it.

## What it recognizes

{classes}

## What was measured

{measured}

## Licence

{licence}
"""
_NO_LICENCE = (
    'Not stated. Whoever shares the model chooses it: add `license:` at the top of '
    'this file. Weights that were trained on top of others, and data sets, have terms '
    'of their own.'
)


def write_card(
    model: dict[str, Any],
    name: str,
    classes: list[str],
    results: Optional[str] = None,
    license: Optional[str] = None,
    base: tuple[Optional[str], str] = (None, ''),
) -> str:
    """The text of a model card, with its head for the Hub.

    Args:
        model (dict): Config of the model.
        name (str): Of the repository or folder.
        classes (list[str]): Names of its classes.
        results (str, optional): Path of the results.json of a test. Defaults to
            None: it says that nothing was measured.
        license (str, optional): As the Hub calls it. Defaults to None: not stated.
        base (tuple[str | None, str]): Repository of the CLIP that it was made
            from, if there is one, and what to call that CLIP.

    Raises:
        SharedModelError: if ``results`` is no results.json of a test.
    """
    from huggingface_hub import ModelCardData

    measured = None if results is None else _read_results(results)
    data = ModelCardData(
        license=license,
        library_name=LIBRARY,
        pipeline_tag='video-classification',
        tags=list(TAGS),
        base_model=base[0],
    )
    text = _TEXT.format(
        title=_plain(name.rpartition('/')[2]),
        about=_about(model, base[1]),
        name=name,
        place=f'{HUB}{name}' if name.count('/') == 1 else name,
        classes=_classes(classes),
        measured=NOT_MEASURED if measured is None else _measured(measured),
        licence=_NO_LICENCE if license is None else f'{_plain(license)}',
    )
    return f'---\n{data.to_yaml()}\n---\n{text}'


def _about(model: dict[str, Any], base: str) -> str:
    parts = [
        f'{key}: {part["type"]}'
        for key, part in model.items()
        if isinstance(part, dict) and 'type' in part and key != 'data_preprocessor'
    ]
    made = f' It was made from {base}.' if base else ''
    return f'Parts: {", ".join(parts)}.{made} Written by bike_mmaction {__version__}.'


def _classes(names: list[str]) -> str:
    lines = [f'- {_plain(name)}' for name in names[:SHOWN]]
    if len(names) > SHOWN:
        lines.append(f'- and {len(names) - SHOWN} more, see `bike_config.json`')
    return '\n'.join([f'{len(names)} classes:', '', *lines])


def _plain(text: str) -> str:
    """A text whose signs mean nothing to Markdown and HTML."""
    text = html.escape(printable(text, in_one_line=True))
    return ''.join(f'\\{sign}' if sign in '\\`*_[]#|~!' else sign for sign in text)


def _read_results(path: str) -> dict[str, Any]:
    content = read_json(path)
    metrics = content.get('metrics') if isinstance(content, dict) else None
    numbers = isinstance(metrics, dict) and all(
        isinstance(value, (int, float)) for value in metrics.values()
    )
    if not numbers or not metrics:
        raise SharedModelError(
            f"'{path}' is no results.json of a test: expected an object with "
            f"'metrics', got {shorten(content)}"
        )
    return content


def _measured(results: dict[str, Any]) -> str:
    """What a test says: on what, with which views, and the figures."""
    tested, videos = results.get('list') or {}, results.get('videos') or {}
    lines = [
        '| measure | value |',
        '|---|---|',
        *(f'| {_plain(k)} | {v:.4g} |' for k, v in results['metrics'].items()),
        '',
        f'On {videos.get("evaluated", "?")} videos of the list '
        f'`{_plain(str(tested.get("file", "?")).rpartition("/")[2])}` (fingerprint '
        f'{_plain(str(tested.get("fingerprint", "?")))}), views '
        f'{_plain(str(results.get("views", "?")))}, by `bike test` of bike_mmaction '
        f'{_plain(str((results.get("versions") or {}).get("bike_mmaction", "?")))}. '
        'Whoever shared the model gave these figures; nobody has checked them.',
    ]
    return '\n'.join(lines)
