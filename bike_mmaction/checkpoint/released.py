"""The layout of the authors' released files.

The authors save ``{'epoch', 'model_state_dict', 'fusion_model_state_dict',
'optimizer_state_dict'}``: OpenAI-CLIP's tensors, and those of the temporal
transformer (video branch) or of the two MLPs (attributes branch), some files
with ``module.`` before every name. This project's models keep the same
tensors under the names of their modules.
"""

from collections import OrderedDict
from typing import Optional

from .conversion import Conversion

Prefixes = tuple[tuple[str, str], ...]
RELEASED_KEYS = ('model_state_dict', 'fusion_model_state_dict')

# (prefix in a released file, prefix here), for each of RELEASED_KEYS. What
# CLIP keeps at its root is the text tower.
_TEXT_NAMES = (
    'positional_embedding',
    'text_projection',
    'token_embedding.',
    'transformer.',
    'ln_final.',
)
VIDEO_NAMES = (
    (
        ('visual.', 'backbone.visual.'),
        ('logit_scale', 'cls_head.logit_scale'),
        *((name, f'cls_head.text_encoder.text.{name}') for name in _TEXT_NAMES),
    ),
    (
        ('frame_position_embeddings.', 'neck.frame_position_embeddings.'),
        ('transformer.', 'neck.transformer.'),
    ),
)
# The attributes branch has no use for CLIP's images.
ATTRIBUTES_NAMES = (
    (
        ('logit_scale', 'attributes_head.logit_scale'),
        *((name, f'attributes_head.text_encoder.text.{name}') for name in _TEXT_NAMES),
    ),
    (
        ('query_fc.', 'attributes_head.query_fc.'),
        ('sentence_fc.', 'attributes_head.sentence_fc.'),
    ),
)


def is_released(checkpoint) -> bool:
    """Whether a loaded file has the layout of the authors' releases."""
    return isinstance(checkpoint, dict) and all(
        key in checkpoint for key in RELEASED_KEYS
    )


def is_converted(checkpoint) -> bool:
    """Whether a loaded file has this project's layout."""
    own = ('backbone.visual.', 'cls_head.text_encoder.', 'attributes_head.')
    return isinstance(checkpoint, dict) and any(
        name.startswith(own) for name in checkpoint.get('state_dict') or ()
    )


def from_released(checkpoint: dict) -> Conversion:
    """Convert a released checkpoint to the names of a ``CLIPRecognizer``.

    A file of the attributes branch becomes that of a model without video
    branch; see :func:`merge_branches`.

    Args:
        checkpoint (dict): The loaded file.

    Returns:
        Conversion: Its checkpoint holds float32 tensors.

    Raises:
        ValueError: if the file has another layout; says what it holds.
    """
    missing = [k for k in RELEASED_KEYS if k not in checkpoint]
    if missing and is_converted(checkpoint):
        raise ValueError(
            "already in this project's layout: use it as it is (the inverse "
            'conversion, to the layout of the authors: --inverse)'
        )
    if missing:
        raise ValueError(
            f"not a released BIKE checkpoint: the key '{missing[0]}' is "
            f'missing. Found: {sorted(map(str, checkpoint))[:10]}'
        )
    state: OrderedDict = OrderedDict()
    renamed, unused = [], []
    head = ' '.join(checkpoint[RELEASED_KEYS[1]])
    layout = ATTRIBUTES_NAMES if 'sentence_fc.' in head else VIDEO_NAMES
    for key, names in zip(RELEASED_KEYS, layout):
        for old, tensor in checkpoint[key].items():
            plain = old[len('module.') :] if old.startswith('module.') else old
            new = _rename(plain, names)
            if new is None:
                unused.append(f'{key}/{old}')
                continue
            state[new] = tensor.float()
            renamed.append((f'{key}/{old}', new))
    meta = dict(epoch=checkpoint.get('epoch'), converted_from='BIKE release')
    return Conversion(dict(meta=meta, state_dict=state), renamed, unused)


def to_released(checkpoint: dict) -> Conversion:
    """The inverse of :func:`from_released`, for the authors' code.

    Of a checkpoint with both branches, this is the video branch.

    Raises:
        ValueError: if the file has no ``state_dict``.
    """
    if is_released(checkpoint):
        raise ValueError("already in the authors' layout: leave --inverse out")
    if 'state_dict' not in checkpoint:
        raise ValueError(
            'not a checkpoint of this project: the key '
            "'state_dict' is missing. Found: "
            f'{sorted(map(str, checkpoint))[:10]}'
        )
    has_video = any(name.startswith('backbone.') for name in checkpoint['state_dict'])
    inverse = [
        tuple((new, old) for old, new in names)
        for names in (VIDEO_NAMES if has_video else ATTRIBUTES_NAMES)
    ]
    out: dict = {key: OrderedDict() for key in RELEASED_KEYS}
    renamed, unused = [], []
    for name, tensor in checkpoint['state_dict'].items():
        for key, names in zip(RELEASED_KEYS, inverse):
            new = _rename(name, names)
            if new is not None:
                out[key][new] = tensor
                renamed.append((name, f'{key}/{new}'))
                break
        else:
            unused.append(name)
    meta = checkpoint.get('meta') or {}
    out.update(epoch=meta.get('epoch'), optimizer_state_dict={})
    return Conversion(out, renamed, unused)


def _rename(name: str, prefixes: Prefixes) -> Optional[str]:
    """The name with its prefix replaced; None if it has none of them."""
    for old, new in prefixes:
        if name.startswith(old):
            return new + name[len(old) :]
    return None
