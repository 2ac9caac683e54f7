"""The folder of a shared model, written from a recognizer."""

import os
import os.path as osp
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Optional

import open_clip
import torch.nn as nn
from mmengine.config import Config

from ...checkpoint import save_checkpoint
from ...datasets.class_names import HEADS
from ...datasets.pipeline_access import VIDEO_DECODES, VIDEO_INITS, video_pipeline
from ...datasets.prompts import load_prompts
from ...errors import SharedModelError
from ...files import DRAFT, write_json, write_text, writing
from ...models.clip.architectures import get_arch
from ...models.clip.text_encoder import CLIPTextEncoder
from ...models.text_head import TextHead
from ...shipped import HUB, SHARED_CONFIG
from ...version import __version__
from . import allowed
from .card import write_card
from .content import ASSOCIATION, CARD, FORMAT, KNOWN_FILES, SHARD, TOKENIZER, TOWER
from .reading import clip_weights, read_shared
from .texts import save_tokenizer, save_tower

MOST_BYTES = '4GB'  # of a file of weights, before there are several
# Of training, of this machine, or of where the weights were before.
_LEFT_OUT = (
    'pretrained init_cfg with_cp train_cfg train_branches optional keep_scores '
    'keep_saliency patch_dropout compile blending pretrained2d dropout_ratio '
    'torchvision_pretrain frozen_stages weights'
).split()


def save_shared(
    model: nn.Module,
    folder: str,
    classes: Sequence[str],
    threshold: Optional[float],
    name: str,
    results: Optional[str] = None,
    license: Optional[str] = None,
) -> None:
    """Write a recognizer as a shared model.

    An earlier model is replaced once the new one is whole, and has been read as
    whoever loads it does. Its config comes last: without it a folder is no model.
    A card that is there already stays as it is.

    Args:
        model (nn.Module): A recognizer with a :class:`.VCSHead`, and its
            config as ``cfg``.
        folder (str): Where to; it is made.
        classes (Sequence[str]): Names of its classes.
        threshold (float, optional): Chosen for them.
        name (str): What the card calls it.
        results (str, optional): See :func:`.write_card`.
        license (str, optional): See :func:`.write_card`.

    Raises:
        SharedModelError: if it has parts that cannot be shared; names them.
        WriteError: if it cannot be written.
    """
    config = shareable_config(model, classes, threshold)
    check_config(config)
    card = write_card(
        config['model'], name, list(classes), results, license, _base(model.cfg)
    )
    with writing(osp.join(folder, SHARED_CONFIG), folder):
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=DRAFT, dir=folder) as draft:
            config['files'] = [
                *_save_weights(model, draft),
                *_save_texts(model, draft),
                *_save_association(model, draft),
            ]
            write_json(osp.join(draft, SHARED_CONFIG), config)
            read_shared(osp.join(draft, SHARED_CONFIG))  # as whoever loads it does
            remove_shared(folder)
            for file in (*config['files'], SHARED_CONFIG):
                os.makedirs(osp.dirname(osp.join(folder, file)), exist_ok=True)
                os.replace(osp.join(draft, file), osp.join(folder, file))
        if not osp.exists(osp.join(folder, CARD)):
            write_text(osp.join(folder, CARD), card)


def check_config(config: dict[str, Any]) -> None:
    """Refuse to write what would be refused where it is read.

    Raises:
        SharedModelError: naming the option.
    """
    try:
        allowed.check_model(config['model'])
        allowed.check_pipeline(config['test_pipeline'])
        allowed.check_threshold(config['threshold'])
    except allowed.Refusal as error:
        raise SharedModelError(f'the model cannot be shared: {error}') from error


def remove_shared(folder: str) -> None:
    """Remove an earlier shared model of this folder, and nothing else."""
    names = [SHARED_CONFIG, *KNOWN_FILES]
    names += [name for name in os.listdir(folder) if SHARD.fullmatch(name)]
    for name in names:
        with suppress(FileNotFoundError):
            os.remove(osp.join(folder, name))
    for part in (TOKENIZER, TOWER):
        with suppress(OSError):  # of one that has more in it, or is not there
            os.rmdir(osp.join(folder, part))


def shareable_config(
    model: nn.Module, classes: Sequence[str], threshold: Optional[float]
) -> dict[str, Any]:
    """The config of a shared model, but for its files."""
    cfg: Config = model.cfg
    part = _without(cfg.model.to_dict())
    for name in HEADS:
        head = getattr(model, name, None)
        if part.get(name) and isinstance(head, TextHead):
            prompts = load_prompts(head.prompt)
            part[name].update(
                class_names=list(classes),
                num_classes=len(classes),
                prompt=prompts if len(prompts) > 1 else prompts[0],
            )
    association = getattr(model, 'association', None)
    options = part.pop('association', None)
    if association is not None:
        part['association'] = dict(
            options, lexicon=list(association.recognizer.cls_head.class_names)
        )
    return dict(
        format=FORMAT,
        bike_mmaction=__version__,
        files=[],
        model=part,
        test_pipeline=[*map(_plain, _steps(video_pipeline(cfg)))],
        threshold=threshold,
    )


def _steps(pipeline: Sequence[dict]) -> Iterator[dict]:
    """Those that an inferencer takes, see :class:`.SourceReader`."""
    for step in pipeline:
        if step['type'] in VIDEO_INITS:
            kept = {key: step[key] for key in ('backend', 'num_threads') if key in step}
            yield dict(kept, type='VideoInit')
        elif step['type'] in VIDEO_DECODES:
            yield dict(type='VideoDecode')
        elif step['type'] not in ('LoadAttributes', 'KeepSegment'):
            yield dict(step)


def _without(part: Any) -> Any:
    """A copy of a config without what an inferencer has no use for."""
    if not isinstance(part, dict):
        return _plain(part)
    kept = {key: v for key, v in part.items() if key not in _LEFT_OUT}
    copy = {k: _arch(v) if k == 'arch' else _without(v) for k, v in kept.items()}
    if isinstance(copy.get('type'), type):
        copy['type'] = copy['type'].__name__
    return {k: v for k, v in copy.items() if v is not None}


def _arch(arch: Any) -> Any:
    """An architecture of open_clip in full, which names nothing elsewhere."""
    if isinstance(arch, str) and ':' not in arch and arch not in _known():
        return arch  # of another backbone, such as 'tiny'
    config = _plain(get_arch(arch))
    config['vision_cfg'].pop('timm_model_pretrained', None)
    text = config['text_cfg']
    text.pop('hf_model_pretrained', None)
    for key, name in (('hf_model_name', TOWER), ('hf_tokenizer_name', TOKENIZER)):
        if text.get(key) is not None:
            text[key] = name
    return config


def _known() -> list[str]:
    return open_clip.list_models()


def _plain(value: Any) -> Any:
    """A copy of what JSON has: tuples become lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [*map(_plain, value)] if isinstance(value, (list, tuple)) else value


def _save_weights(model: nn.Module, folder: str) -> list[str]:
    from huggingface_hub import save_torch_state_dict

    tensors = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    save_torch_state_dict(tensors, folder, max_shard_size=MOST_BYTES)
    return sorted(
        f
        for f in os.listdir(folder)
        if f.startswith('model') and (f in KNOWN_FILES or SHARD.fullmatch(f))
    )


def _save_texts(model: Any, folder: str) -> list[str]:
    """Tokenizers and configs of text towers that open_clip would download."""
    encoders = [m for m in model.modules() if isinstance(m, CLIPTextEncoder)]
    names = {name for e in encoders if (name := _name(e, 'hf_tokenizer_name'))}
    towers = {name for e in encoders if (name := _name(e, 'hf_model_name'))}
    for kind, several in (('tokenizers', names), ('text towers', towers)):
        if len(several) > 1:
            raise SharedModelError(
                f'a model with several {kind} of Hugging Face cannot be shared: '
                f'{", ".join(sorted(several))}'
            )
    files: list[str] = []
    for encoder in encoders:
        if names and not files and _name(encoder, 'hf_tokenizer_name'):
            files += save_tokenizer(encoder.tokenizer, folder, model.cls_head.prompts())
    for encoder in encoders:
        if _name(encoder, 'hf_model_name'):
            return files + save_tower(encoder.text.config, folder)
    return files


def _name(encoder: CLIPTextEncoder, key: str) -> Optional[str]:
    return encoder.config['text_cfg'].get(key)


def _save_association(model: nn.Module, folder: str) -> list[str]:
    """The weights of the CLIP that finds attributes, in open_clip's layout."""
    association = getattr(model, 'association', None)
    if association is None:
        return []
    weights = clip_weights(association.recognizer)
    path = osp.join(folder, ASSOCIATION)
    save_checkpoint(dict(state_dict=weights), path)
    os.remove(f'{path}.sha256')
    return [ASSOCIATION]


def _base(cfg: Config) -> tuple[Optional[str], str]:
    """Repository of the CLIP that a model was made from, and what to call it."""
    backbone = cfg.model.get('backbone') or {}
    arch, pretrained = backbone.get('arch'), backbone.get('pretrained')
    if not isinstance(arch, str) or not isinstance(pretrained, str):
        return None, ''
    if pretrained.startswith(HUB):
        return pretrained[len(HUB) :], f'the CLIP {pretrained}'
    tag = open_clip.get_pretrained_cfg(arch, pretrained)
    if not tag:
        return None, f'the CLIP {arch}'
    return (tag.get('hf_hub') or '').strip(
        '/'
    ) or None, f'the CLIP {arch}, {pretrained}'
