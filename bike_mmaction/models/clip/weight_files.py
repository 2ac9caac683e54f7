"""Where the weights of a CLIP lie, and what is told of them beside them.

``pretrained`` is a file, a tag of open_clip, a folder, or ``hf-hub:org/repo``
of the Hugging Face Hub. The last two have an ``open_clip_config.json``, which
may also lie beside a file.
"""

import os.path as osp
from glob import escape, glob
from typing import Any, NamedTuple, Optional

import open_clip
from huggingface_hub import try_to_load_from_cache
from open_clip.pretrained import download_pretrained_from_hf

from ...checkpoint import first_of_machine, is_torchscript
from ...checkpoint.shards import INDEX
from ...errors import TextError
from ...shipped import CLIP_CONFIG, HUB
from ...text_files import read_json
from .architectures import Arch, arch_name, first_lines, folder_of
from .state_dicts import tensors_by_file

# In a folder, the first that is there; the names are open_clip's.
_USUAL = (
    'open_clip_model.safetensors',
    'open_clip_pytorch_model.safetensors',
    'open_clip_pytorch_model.bin',
    'open_clip_pytorch_model.pth',
    'model.safetensors',
    'pytorch_model.bin',
    'pytorch_model.pth',
    'model.pth',
)
_SUFFIXES = ('safetensors', 'bin', 'pth', 'pt', 'npz')
_QUICK = '-quickgelu'


class AboutWeights(NamedTuple):
    """What is told of some weights.

    Attributes:
        source (str): Where, for messages.
        quick_gelu (bool, optional): The activation that they were trained
            with; None where nothing says it.
        images (dict): Of open_clip's ``preprocess_cfg``, what is told.
    """

    source: str
    quick_gelu: Optional[bool]
    images: dict


def is_folder(pretrained: str) -> bool:
    """Whether weights lie in a folder with a config beside them."""
    return osp.isfile(osp.join(folder_of(pretrained), CLIP_CONFIG))


def tag_of(arch: Arch, pretrained: str) -> dict:
    """open_clip's entry of a tag; empty if there is none."""
    if not isinstance(arch, str):
        return {}
    return open_clip.get_pretrained_cfg(arch, pretrained)


def about_weights(
    arch: Arch, pretrained: str, fetch: bool = False
) -> Optional[AboutWeights]:
    """What is told of weights, by open_clip or by a file beside them.

    Args:
        arch (str | dict): See :func:`.get_arch`.
        pretrained (str): See :func:`find_weights`.
        fetch (bool): Whether to ask the Hub for what is not at hand.
            Defaults to False.

    Returns:
        AboutWeights | None: None if nothing is told.

    Raises:
        RuntimeError: if the Hub does not give it.
        ValueError: if a file beside the weights is no such config.
    """
    path = osp.expanduser(pretrained)
    if osp.isfile(path):
        beside = osp.join(osp.dirname(path), CLIP_CONFIG)
        if osp.isfile(beside):
            return _of_config(beside)
        # Only OpenAI publishes TorchScript.
        return AboutWeights(pretrained, True, {}) if is_torchscript(path) else None
    entry = tag_of(arch, pretrained)
    if entry:
        quick = _quick_gelu_of_tag(str(arch), pretrained, entry)
        return AboutWeights(f"open_clip's tag '{pretrained}'", quick, entry)
    if pretrained.startswith(HUB):
        config = _config_of_hub(pretrained, fetch)
        return _of_config(config) if config else None
    config = osp.join(folder_of(pretrained), CLIP_CONFIG)
    return _of_config(config) if osp.isfile(config) else None


def _quick_gelu_of_tag(arch: str, tag: str, entry: dict) -> Optional[bool]:
    """A tag that does not say it is of its architecture's own activation.

    But for one that the architecture without '-quickgelu' has too.
    """
    if 'quick_gelu' in entry:
        return bool(entry['quick_gelu'])
    exact = arch[: -len(_QUICK)] if arch.endswith(_QUICK) else arch
    return False if exact != arch and tag_of(exact, tag) else None


def _of_config(path: str) -> AboutWeights:
    content = read_json(path)
    parts: list[Any] = [{}, {}]
    if isinstance(content, dict):
        parts = [content.get(key) or {} for key in ('model_cfg', 'preprocess_cfg')]
    if not isinstance(content, dict) or not all(isinstance(p, dict) for p in parts):
        raise TextError(
            f"'{path}' is no config of open_clip: expected an object with "
            "'model_cfg' and 'preprocess_cfg', which are objects"
        )
    model, images = parts
    quick = bool(model.get('quick_gelu')) if model else None
    return AboutWeights(path, quick, images)


def _config_of_hub(pretrained: str, fetch: bool) -> Optional[str]:
    """Path of the config of a repository; None if it is not at hand."""
    repository = pretrained[len(HUB) :]
    if fetch:  # every process, which wait for each other in it
        return _download(repository, CLIP_CONFIG)
    path = try_to_load_from_cache(repository, CLIP_CONFIG)
    return path if isinstance(path, str) else None


def _download(repository: str, name: Optional[str] = None) -> str:
    """A file of a repository, or by default its weights, by open_clip."""
    try:
        with first_of_machine():
            return download_pretrained_from_hf(repository, filename=name)
    except Exception as error:
        raise RuntimeError(
            f"cannot download {name or 'weights'} of '{HUB}{repository}': "
            f'{first_lines(error).rstrip(".")}. Without a network, copy the '
            "repository to a folder and name that: 'local-dir:FOLDER'"
        ) from error


def find_weights(arch: Arch, pretrained: str) -> str:
    """Path of weights, which are downloaded if they have to be.

    Args:
        arch (str | dict): See :func:`.get_arch`.
        pretrained (str): A file, a tag of open_clip, a folder with an
            ``open_clip_config.json`` (also as 'local-dir:FOLDER'), or
            'hf-hub:org/repo'.

    Raises:
        RuntimeError: if they cannot be downloaded.
        ValueError: if it is none of these, or a folder in which no weights
            are found, or several.
    """
    path = osp.expanduser(pretrained)
    if osp.isfile(path):
        return path
    entry = tag_of(arch, pretrained)
    if entry:
        with first_of_machine():  # one download, then the others find it cached
            return _download_tag(arch, pretrained, entry)
    if pretrained.startswith(HUB):
        return _weights_of_hub(pretrained[len(HUB) :])
    if is_folder(pretrained):
        return _weights_in(folder_of(pretrained))
    tags = (
        open_clip.list_pretrained_tags_by_model(arch) if isinstance(arch, str) else []
    )
    lacks = (
        f' (the folder lacks {CLIP_CONFIG})' if osp.isdir(folder_of(pretrained)) else ''
    )
    raise ValueError(
        f"pretrained='{pretrained}' is no existing file and no tag of "
        f'arch={arch_name(arch)}{lacks}. Its tags: {tags}'
    )


def _weights_of_hub(repository: str) -> str:
    """One file; or the index of several, which are downloaded too."""
    try:
        return _download(repository)
    except RuntimeError:
        for name in (f'{stem}{INDEX}' for stem in ('open_clip_model', 'model')):
            try:
                index = _download(repository, name)
            except RuntimeError:
                continue
            for shard in tensors_by_file(index):
                _download(repository, shard)
            return index
        raise


def _weights_in(folder: str) -> str:
    usual = [osp.join(folder, name) for name in _USUAL]
    indices = sorted(glob(osp.join(escape(folder), f'*{INDEX}')))
    files = [p for s in _SUFFIXES for p in glob(osp.join(escape(folder), f'*.{s}'))]
    files = sorted(filter(osp.isfile, files))
    paths = [path for path in usual if osp.isfile(path)][:1] or indices or files
    if len(paths) != 1:
        names = [osp.basename(path) for path in paths]
        raise ValueError(
            f"the folder '{folder}' must have one file of weights, named such as "
            f'{_USUAL[0]}, or model{INDEX} and what it lists; it has '
            f'{names or "none"}'
        )
    return paths[0]


def _download_tag(arch: Arch, tag: str, config: dict) -> str:
    try:
        return open_clip.download_pretrained(config)
    except Exception as error:
        raise RuntimeError(
            f"cannot download the weights '{tag}' of {arch}: "
            f'{first_lines(error).rstrip(".")}. Without a network, put the file on '
            'disk and name it: `pretrained` in a config, --pretrained FILE of commands '
            '(own clips: `bike data ... --pretrained FILE --overwrite`)'
        ) from error
