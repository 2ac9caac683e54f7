"""Other weights of CLIP than those that a config names."""

from collections.abc import Iterator

from ..datasets.class_names import HEADS

TOWERS = ('CLIPImageEncoder', 'CLIPTextEncoder')


def use_pretrained(cfg, weights: str) -> None:
    """Let all towers of CLIP begin with these weights.

    Those are the image encoder, the text encoders of both heads, and the CLIP
    that associates attributes, unless it is of another architecture.

    Args:
        cfg (Config): The config to change.
        weights (str): A file, or a tag of open_clip.

    Raises:
        ValueError: if the model has no such tower.
    """
    towers = list(_towers(cfg.model))
    if not towers:
        raise ValueError(
            f'--pretrained {weights}: the config has no tower of CLIP, '
            f'which are {" and ".join(TOWERS)}'
        )
    for tower in towers:
        tower['pretrained'] = weights


def _towers(model) -> Iterator[dict]:
    parts = [model.get(key) or {} for key in HEADS]
    candidates = [
        model.get('backbone') or {},
        *(head.get('text_encoder') or {} for head in parts),
        *(head.get('attributes_encoder') or {} for head in parts),
    ]
    for part in candidates:
        if part.get('type') in TOWERS:
            yield part
    association = model.get('association') or {}
    own_arch = association.get('arch')
    if association and own_arch in (None, candidates[0].get('arch')):
        yield association
