"""Checkpoint files: what a file is, and the authors' released layout.

The authors save ``{'epoch', 'model_state_dict', 'fusion_model_state_dict',
'optimizer_state_dict'}``: OpenAI-CLIP's tensors, and those of the temporal
transformer (video branch) or of the two MLPs (attributes branch), some files
with ``module.`` before every name. This project's models keep the same
tensors under the names of their modules.
"""

import hashlib
import os
import os.path as osp
import re
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import contextmanager
from typing import NamedTuple, Optional
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier

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
StateDict = dict[str, torch.Tensor]


class Conversion(NamedTuple):
    """What :func:`from_released` and :func:`to_released` return.

    Attributes:
        checkpoint (dict): The converted checkpoint.
        renamed (list[tuple[str, str]]): Old and new name of every tensor.
        unused (list[str]): Old names that have no place in the new layout.
    """

    checkpoint: dict
    renamed: list[tuple[str, str]]
    unused: list[str]


def is_torchscript(path: str) -> bool:
    """Whether a file is a TorchScript archive, as OpenAI's ``.pt`` are."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(n.endswith('constants.pkl') for n in archive.namelist())


def load_from_local(filename: str, map_location=None) -> dict:
    """Read a checkpoint file for mmengine's ``CheckpointLoader``.

    Args:
        filename (str): A ``.pth`` file, or ``.safetensors``.
        map_location: As in ``torch.load``.

    Returns:
        dict: The checkpoint.

    Raises:
        FileNotFoundError: if there is no such file.
        RuntimeError: if it is not a checkpoint, holds types other than
            mmengine's own, or is an unconverted released or CLIP file.
    """
    path = osp.expanduser(filename)
    if not osp.isfile(path):
        raise FileNotFoundError(f"checkpoint '{filename}' does not exist")
    if path.endswith('.safetensors'):
        from safetensors.torch import load_file

        return dict(state_dict=load_file(path))
    if is_torchscript(path):
        raise RuntimeError(
            f"checkpoint '{filename}' is a TorchScript archive, such as "
            "OpenAI's CLIP weights: name it in `pretrained=` of the encoders "
            'instead of `load_from` or a test checkpoint'
        )
    checkpoint = read_pickle(path, map_location)
    if is_released(checkpoint):
        raise RuntimeError(
            f"checkpoint '{filename}' has the layout of the authors' released "
            'files. Convert it first: python tools/convert_checkpoint.py '
            f'{filename} CONVERTED.pth'
        )
    return checkpoint


def load_from_http(url: str, map_location=None) -> dict:
    """Download a checkpoint once, then read it like a local one.

    Args:
        url (str): Where; the file is kept in ``torch.hub``'s folder.
        map_location: As in ``torch.load``.

    Returns:
        dict: The checkpoint.

    Raises:
        RuntimeError: if it cannot be downloaded, or as
            :func:`load_from_local`.
    """
    folder = osp.join(torch.hub.get_dir(), 'checkpoints')
    # Other addresses may have files of the same name.
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    path = osp.join(folder, f'{digest}-{osp.basename(urlparse(url).path)}')
    with first_of_machine():
        if not osp.isfile(path):
            os.makedirs(folder, exist_ok=True)
            try:
                torch.hub.download_url_to_file(url, path)
            except Exception as error:
                raise RuntimeError(
                    f"cannot download checkpoint '{url}': {error}"
                ) from error
    return load_from_local(path, map_location)


@contextmanager
def first_of_machine():
    """Let one process of each machine go first, the others after it."""
    first = int(os.environ.get('LOCAL_RANK', 0)) == 0
    if not first:
        barrier()
    try:
        yield
    finally:
        if first:
            barrier()


def save_checkpoint(checkpoint: dict, path: str) -> None:
    """Write a checkpoint in one step, never half of it."""
    os.makedirs(osp.dirname(osp.abspath(path)), exist_ok=True)
    torch.save(checkpoint, f'{path}.tmp')
    os.replace(f'{path}.tmp', path)


def read_pickle(path: str, map_location=None):
    """``torch.load`` that runs no code from the file (torch >= 2.6).

    Raises:
        RuntimeError: if the file cannot be read; names it and the reason.
    """
    from .compat import history_buffer_globals, torch_version

    try:
        if torch_version() < (2, 6):
            return torch.load(path, map_location=map_location)
        with torch.serialization.safe_globals(history_buffer_globals()):
            return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        foreign = re.search(r'Unsupported global: GLOBAL (\S+)', str(error))
        if foreign:
            reason = (
                f'it holds a {foreign[1]}, and only tensors and what '
                'mmengine saves are loaded; if you trust the file, '
                'allow it with torch.serialization.add_safe_globals'
            )
        raise RuntimeError(f"cannot read checkpoint '{path}': {reason}") from error


def is_released(checkpoint) -> bool:
    """Whether a loaded file has the layout of the authors' releases."""
    return isinstance(checkpoint, dict) and all(
        key in checkpoint for key in RELEASED_KEYS
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
    if missing:
        raise ValueError(
            f"not a released BIKE checkpoint: the key '{missing[0]}' is "
            f'missing. Found: {sorted(map(str, checkpoint))[:10]}'
        )
    state, renamed, unused = OrderedDict(), [], []
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
    out = {key: OrderedDict() for key in RELEASED_KEYS}
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


def merge_branches(video: dict, attributes: dict) -> Conversion:
    """Join the branches, trained apart, to a checkpoint of both.

    A text encoder that is the same in both is kept once, as the shipped
    configs expect. Where the two differ, the config needs an own
    ``attributes_head.text_encoder``.

    Args:
        video (dict): Checkpoint with a video branch.
        attributes (dict): Checkpoint with an attributes branch.

    Returns:
        Conversion: ``renamed`` lists the tensors taken from ``attributes``,
        ``unused`` those that were not.

    Raises:
        ValueError: if a branch is missing.
    """
    states = []
    for checkpoint, what, head in (
        (video, 'video', 'cls_head.'),
        (attributes, 'attributes', 'attributes_head.'),
    ):
        state = checkpoint.get('state_dict', {})
        if not any(name.startswith(head) for name in state):
            raise ValueError(
                f'the {what} checkpoint has no {head}* tensors. '
                f'Found: {sorted(map(str, state))[:10]}'
            )
        states.append(state)
    merged = OrderedDict(
        (name, tensor)
        for name, tensor in states[0].items()
        if not name.startswith('attributes_head.')
    )
    own, other = 'attributes_head.text_encoder.', 'cls_head.text_encoder.'
    second = dict(states[1])
    if not any(name.startswith(own) for name in second):
        # It has used that of its video branch.
        second.update(
            (name.replace(other, own), tensor)
            for name, tensor in states[1].items()
            if name.startswith(other)
        )
    texts = {name: t for name, t in second.items() if name.startswith(own)}
    shared = all(
        torch.equal(tensor, merged.get(name.replace(own, other), tensor[:0]))
        for name, tensor in texts.items()
    )
    taken, unused = [], []
    for name, tensor in second.items():
        if not name.startswith('attributes_head.') or (shared and name in texts):
            unused.append(name)
            continue
        merged[name] = tensor
        taken.append((name, name))
    meta = dict(video.get('meta') or {})
    return Conversion(dict(meta=meta, state_dict=merged), taken, unused)


def _rename(name: str, prefixes) -> Optional[str]:
    for old, new in prefixes:
        if name.startswith(old):
            return new + name[len(old) :]
    return None


def check_fit(
    state_dict: StateDict, own: StateDict, what: str, optional: Sequence[str]
) -> None:
    """Refuse a checkpoint that would leave a model partly untrained.

    mmengine loads with ``strict=False`` and only logs what did not fit.

    Args:
        state_dict (dict): The tensors to load.
        own (dict): The model's own tensors.
        what (str): Name of the model, for the message.
        optional (Sequence[str]): Prefixes of tensors that either side may
            lack.

    Raises:
        RuntimeError: naming tensors of another shape, absent ones and
            surplus ones.
    """
    shapes = [
        f'{k}: {tuple(state_dict[k].shape)} in the checkpoint, '
        f'{tuple(own[k].shape)} in the model'
        for k in own
        if k in state_dict and state_dict[k].shape != own[k].shape
    ]
    optional = tuple(optional)
    absent = [k for k in own if k not in state_dict and not k.startswith(optional)]
    surplus = [k for k in state_dict if k not in own and not k.startswith(optional)]
    problems = [
        f'{len(names)} {kind}:\n    '
        + '\n    '.join(names[:5])
        + ('\n    ...' if len(names) > 5 else '')
        for kind, names in (
            ('tensors of another shape', shapes),
            ('tensors not in the checkpoint', absent),
            ('tensors not in the model', surplus),
        )
        if names
    ]
    if problems:
        raise RuntimeError(
            f'the checkpoint does not fit this {what}; was it made with '
            'another `arch`, or with or without a `neck`? (model.optional='
            "['neck.'] lets a checkpoint lack it, or have it)\n  "
            + '\n  '.join(problems)
        )
