"""What the config of a shared model may say: a list of all that is allowed.

MMEngine imports whatever a ``type`` with dots names, and many options of its
components read files or download. So nothing that a stranger wrote is built
before all of it has been found in :mod:`.tables`: types by the place where
they stand, the options of each type, and the kind of each value. Texts are
allowed where people read them: names of classes, prompts and phrases.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from ...terminal import printable
from ...text_files import shorten
from .content import TOKENIZER, TOWER
from .tables import (
    ARCH,
    ASSOCIATION,
    FOREIGN,
    MOST,
    MOST_FRAMES,
    MOST_NUMBER,
    MOST_PIXELS,
    MOST_SENTENCES,
    NEEDED,
    OPTIONS,
    PLACES,
    TEXTS,
    TOKENIZER_KWARGS,
    TRANSFORMS,
    Types,
)

MOST_TEXTS, MOST_CHARACTERS = 100_000, 2000
_WORD = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_+-]{0,99}')
_NAME_OF_ARCH = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}')


class Refusal(ValueError):
    """A value that is not allowed; names its place in the config."""


def check_model(model: Any) -> None:
    """Refuse the config of a model that has anything but what is allowed.

    Raises:
        Refusal: naming the first such thing.
    """
    _check_part(model, 'model', 'model')


def check_pipeline(pipeline: Any) -> None:
    """As :func:`check_model`, the transforms of a test."""
    where = 'test_pipeline'
    if not isinstance(pipeline, list) or not 0 < len(pipeline) <= 50:
        raise Refusal(
            f'{where}: expected a list of transforms, got {shorten(pipeline)}'
        )
    kinds = []
    for number, step in enumerate(pipeline):
        place = f'{where}[{number}]'
        kinds.append(_type_of(step, place, tuple(TRANSFORMS)))
        _check_keys(step, f'type {TRANSFORMS[kinds[-1]]}', place)
        for key in set(step) - {'type'}:
            _check_plain(step[key], f'{place}.{key}', key)
        frames = [step.get(key, 1) for key in ('clip_len', 'num_clips')]
        if all(isinstance(n, int) for n in frames) and math.prod(frames) > MOST_FRAMES:
            raise Refusal(f'{place}: more than {MOST_FRAMES} frames of a video')
    absent = [kind for kind in NEEDED if kind not in kinds]
    if absent:
        raise Refusal(f'{where}: there is no {absent[0]}')
    count = math.prod(_numbers(pipeline, 'clip_len', 'num_clips'))
    side = max(_numbers(pipeline, 'scale', 'crop_size'), default=1)
    if count * side**2 > MOST_PIXELS:
        raise Refusal(f'{where}: {count} frames with sides of {side} are too large')


def _numbers(pipeline: list[dict], *keys: str) -> Iterator[float]:
    for value in (step.get(key) for step in pipeline for key in keys):
        numbers = value if isinstance(value, list) else [value]
        yield from (abs(n) for n in numbers if isinstance(n, (int, float)))


def check_threshold(value: Any) -> None:
    """As :func:`check_model`, a share, or None."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (is_number and 0 <= value <= 1):
        raise Refusal(f'threshold: expected a number from 0 to 1, got {shorten(value)}')


def _check_part(part: Any, place: str, where: str) -> None:
    """A dictionary with a ``type``; a part may be left out by None."""
    if part is None and place != 'model':
        return
    kind = _type_of(part, where, PLACES[place])
    _check_keys(part, f'type {OPTIONS.get(kind, "")}', where)
    for key, value in part.items():
        inner = f'{where}.{key}'
        if key == 'type':
            continue
        if key == 'arch' and kind.startswith('CLIP'):
            _check_arch(value, inner)
        elif key == 'association':
            _check_association(value, inner)
        elif key in TEXTS:
            _check_texts(value, key, inner)
        elif key in PLACES:
            _check_part(value, key, inner)
        else:
            _check_plain(value, inner, key)
    names, prompts = (part.get(key) or [] for key in ('class_names', 'prompt'))
    if isinstance(prompts, list) and len(names) * len(prompts) > MOST_SENTENCES:
        raise Refusal(
            f'{where}: {len(names)} class names in {len(prompts)} prompts are more '
            f'than {MOST_SENTENCES} sentences'
        )


def _type_of(part: Any, where: str, allowed: Types) -> str:
    if not isinstance(part, dict):
        raise Refusal(f'{where}: expected an object with a type, got {shorten(part)}')
    kind = part.get('type')
    if not isinstance(kind, str) or not (kind in allowed or _is_foreign(kind, allowed)):
        raise Refusal(
            f'{where}.type={shorten(kind)} is not allowed in a shared model; allowed '
            f'are {", ".join(allowed)}'
        )
    return kind


def _is_foreign(kind: str, allowed: Types) -> bool:
    """Whether it is a backbone that timm or torchvision knows by this name."""
    if 'PerFrameBackbone' not in allowed or not kind.startswith(FOREIGN):
        return False
    package, _, name = kind.partition('.')
    if package == 'timm':
        return _is_timm(name)
    import torchvision

    return name in torchvision.models.list_models(torchvision.models)


def _check_keys(part: dict, allowed: str, where: str) -> None:
    surplus = [key for key in part if key not in allowed.split()]
    if surplus:
        raise Refusal(
            f'{where}: the option {shorten(surplus[0])} is not allowed in a shared '
            f'model; allowed are {", ".join(allowed.split())}'
        )


def _check_association(options: Any, where: str) -> None:
    if options is None:
        return
    if not isinstance(options, dict):
        raise Refusal(f'{where}: expected an object, got {shorten(options)}')
    _check_keys(options, ASSOCIATION, where)
    for key, value in options.items():
        inner = f'{where}.{key}'
        if key == 'arch':
            if value is not None:
                _check_arch(value, inner)
        elif key in TEXTS:
            _check_texts(value, key, inner)
        else:
            _check_plain(value, inner, key)


def _check_texts(value: Any, key: str, where: str) -> None:
    """Texts in full: never the name of a file or of a list."""
    is_list = key in ('class_names', 'lexicon')
    if isinstance(value, str) and not is_list:
        texts = [value]
    elif (
        isinstance(value, list) and 0 < len(value) <= MOST_TEXTS and key != 'separator'
    ):
        texts = value
    else:
        what = 'a list of texts' if is_list else 'a text'
        raise Refusal(f'{where}: expected {what}, got {shorten(value)}')
    for text in texts:
        if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
            raise Refusal(
                f'{where}: expected texts of at most {MOST_CHARACTERS} characters, '
                f'got {shorten(text)}'
            )
        if 'prompt' in key and text.count('{}') != 1:
            raise Refusal(f"{where}: {shorten(text)} must contain '{{}}' once")


def _check_arch(arch: Any, where: str) -> None:
    """An architecture in the layout of open_clip, which names nothing elsewhere."""
    if not isinstance(arch, dict):
        raise Refusal(f'{where}: expected an object, got {shorten(arch)}')
    _check_keys(arch, ARCH, where)
    for key, value in arch.items():
        _check_plain(value, f'{where}.{key}', key, _NAME_OF_ARCH)
    for part in ('vision_cfg', 'text_cfg'):
        if not isinstance(arch.get(part), dict):
            raise Refusal(f'{where}.{part}: expected an object')
    vision, text = arch['vision_cfg'], arch['text_cfg']
    name = vision.get('timm_model_name')
    if name is not None and not _is_timm(name):
        raise Refusal(
            f'{where}.vision_cfg.timm_model_name={shorten(name)} is no model of timm'
        )
    for key, folder in (('hf_model_name', TOWER), ('hf_tokenizer_name', TOKENIZER)):
        if text.get(key) not in (None, folder):
            raise Refusal(
                f'{where}.text_cfg.{key}={shorten(text[key])}: expected {folder!r}, '
                'the folder in the shared model'
            )
    options = text.get('tokenizer_kwargs')
    if options is not None:
        if not isinstance(options, dict):
            raise Refusal(f'{where}.text_cfg.tokenizer_kwargs: expected an object')
        _check_keys(options, TOKENIZER_KWARGS, f'{where}.text_cfg.tokenizer_kwargs')


def most_of(option: str) -> int:
    """The largest number that an option may have."""
    return next((most for p, most in MOST if re.fullmatch(p, option)), MOST_NUMBER)


def _is_timm(name: Any) -> bool:
    import timm

    return isinstance(name, str) and timm.is_model(name)


def _check_plain(value: Any, where: str, key: str, word: re.Pattern = _WORD) -> None:
    """Numbers, flags, words without dots and slashes, and lists of these."""
    if isinstance(value, list):
        if len(value) > 1000:
            raise Refusal(f'{where}: a list of {len(value)} values is too long')
        for item in value:
            _check_plain(item, where, key, word)
        if most_of(key) < MOST_NUMBER and all(isinstance(n, int) for n in value):
            _check_plain(sum(value), where, key)  # such as depths of stages
    elif isinstance(value, dict):
        if 'type' in value:
            raise Refusal(f"{where}: a 'type' is not allowed here in a shared model")
        for name, item in value.items():
            if not _WORD.fullmatch(name) or name.startswith('_'):
                raise Refusal(f'{where}: the option {shorten(name)} is no word')
            _check_plain(item, f'{where}.{name}', name, word)
    elif isinstance(value, str):
        if value and not word.fullmatch(value):
            raise Refusal(
                f'{where}={shorten(value)} is not allowed in a shared model: expected '
                'a word, no path, address or sentence'
            )
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if abs(value) > (most := most_of(key)):
            raise Refusal(f'{where}={shorten(value)} is more than {most}')
    elif value is not None and not isinstance(value, bool):
        raise Refusal(f'{where}: {printable(type(value).__name__)} is not allowed')
