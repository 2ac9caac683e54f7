"""What goes wrong with towers and tokenizers of Hugging Face, and the cure."""

import os.path as osp
import threading
from importlib.util import find_spec
from typing import Optional

from open_clip.hf_configs import arch_dict

# Tokenizers keep the options of a call, such as where texts are cut, until the
# next one: two threads would cut each other's texts.
ONE_AT_A_TIME = threading.RLock()
# Packages of which errors tell, and the modules that they provide.
MODULES = {
    'transformers': 'transformers',
    'tokenizers': 'tokenizers',
    'sentencepiece': 'sentencepiece',
    'protobuf': 'google.protobuf',
}
# Of reading a tokenizer whose files need sentencepiece and protobuf; newer
# versions of transformers ask for tiktoken, which does not help.
OF_PIECES = ('sentencepiece', 'protobuf', 'tiktoken')
OF_NETWORKS = ('httpx', 'huggingface_hub', 'requests', 'urllib3')
TOKENIZER_CURE = (
    'Without a network, copy the cache of Hugging Face (the folder that HF_HOME '
    'names, ~/.cache/huggingface) from a machine that has read it; or put '
    'tokenizer.json and tokenizer_config.json into a folder and name that in '
    'text_cfg.hf_tokenizer_name of an arch dict, or, beside an open_clip_config.json, '
    "as arch='local-dir:FOLDER'"
)
TOWER_CURE = (
    'Without a network, copy the cache of Hugging Face (the folder that HF_HOME '
    'names, ~/.cache/huggingface) from a machine that has read it; or put its '
    'config.json into a folder and name that in text_cfg.hf_model_name of an arch '
    'dict'
)


def hugging_face_fault(
    what: str, name: str, error: Exception, cure: str
) -> Optional[Exception]:
    """The error to raise instead, in one line, if it is one of those known here.

    Args:
        what (str): What was to be made, as in "the tokenizer 'x' of arch='y'".
        name (str): Its name at Hugging Face, or a folder.
        error (Exception): Of transformers, or of open_clip about it.
        cure (str): For a file that cannot be read.

    Returns:
        Exception, optional: An ImportError, where packages are missing or do
        not fit; a RuntimeError, where files cannot be read.
    """
    text = ' '.join(str(error).split())
    missing = _missing_packages(text)
    if missing:
        return ImportError(
            f'{what} needs packages that are missing: pip install {" ".join(missing)}'
        )
    if isinstance(error, ImportError) or 'pip install transformers' in text:
        return ImportError(
            f'{what} needs other packages ({text}): pip install --upgrade transformers'
        )
    if osp.isabs(name) and not osp.isdir(name):
        return RuntimeError(f'{what} cannot be read: no such folder')
    if 'backend tokenizer' in text:  # packages are there
        reason = 'no files of a tokenizer are there'
    elif _is_unreadable(error):
        reason = str(error).splitlines()[0].rstrip('.')
    else:
        return None
    return RuntimeError(f'{what} cannot be read: {reason}. {cure}')


def unknown_type(name: str) -> str:
    """The type of a model, if open_clip has no text tower of it; else ''.

    Args:
        name (str): Its name at Hugging Face, or a folder.
    """
    import transformers

    try:
        kind = transformers.AutoConfig.from_pretrained(name).model_type
    except Exception:  # told of where the tower is built
        return ''
    return '' if kind in arch_dict else kind


def _missing_packages(text: str) -> list[str]:
    """Which packages an error asks for that are not installed."""
    absent = [name for name, module in MODULES.items() if not _is_installed(module)]
    if 'transformers' in absent:
        return ['transformers']  # which brings tokenizers
    low = text.lower()
    if any(name in low for name in OF_PIECES):
        low += ' '.join(OF_PIECES)
    return [name for name in absent if name in low]


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # of the package above it
        return False


def _is_unreadable(error: Exception) -> bool:
    """Whether a file or a connection is at fault."""
    package = type(error).__module__.split('.')[0]
    return isinstance(error, OSError) or package in OF_NETWORKS
