"""A config for MMEngine from the folder of a shared model, once all is checked."""

import copy
import os.path as osp
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from safetensors import SafetensorError, safe_open
from torch.overrides import TorchFunctionMode

from ...checkpoint.fit import misfits
from ...checkpoint.shards import read_index
from ...shipped import SHARED_CONFIG, SHARED_INDEX, shared_weights
from . import allowed
from .content import ASSOCIATION, TOKENIZER, TOWER, read_content, refuse
from .texts import check_tokenizer, check_tokens, check_tower

Shapes = dict[str, torch.Tensor]  # without content, on the device 'meta'


def read_shared(path: str) -> Config:
    """The config of a shared model, fit to be built.

    Nothing is built, and no weights are read, before the config has been
    compared with what is allowed, and the tensors that it describes with those
    that the weights have. Only data is read: JSON and safetensors.

    Args:
        path (str): Of its ``bike_config.json``.

    Returns:
        Config: With ``model``, ``test_pipeline`` and ``threshold``.

    Raises:
        SharedModelError: naming model, file and what is wrong.
    """
    register_all_modules()
    folder = osp.dirname(osp.abspath(path))
    content = read_content(folder)
    try:
        allowed.check_model(content['model'])
        allowed.check_pipeline(content['test_pipeline'])
        allowed.check_threshold(content.get('threshold'))
    except allowed.Refusal as error:
        refuse(folder, SHARED_CONFIG, str(error))
    _check_texts(folder, content['model'])
    model = _with_places(content['model'], folder)
    config = Config(
        dict(
            model=model,
            test_pipeline=_with_tuples(content['test_pipeline']),
            threshold=content.get('threshold'),
        ),
        filename=path,
    )
    described = _described(folder, config.model)
    _check_weights(folder, described)
    check_tokens(folder, described)
    return config


def arches_of(part: Any) -> Iterator[dict]:
    """All architectures of open_clip in the config of a model."""
    if isinstance(part, dict):
        arch = part.get('arch')
        if isinstance(arch, dict) and 'text_cfg' in arch:
            yield arch
        for value in part.values():
            yield from arches_of(value)


def _check_texts(folder: str, model: dict) -> None:
    """The files of tokenizers and towers of Hugging Face, where there are any."""
    for arch in arches_of(model):
        if arch['text_cfg'].get('hf_tokenizer_name') is not None:
            check_tokenizer(folder)
        if arch['text_cfg'].get('hf_model_name') is not None:
            check_tower(folder)


def _with_places(part: Any, folder: str) -> Any:
    """A copy in which the names of files of a shared model are their paths."""
    if not isinstance(part, dict):
        return copy.deepcopy(part)
    part = {key: _with_places(value, folder) for key, value in part.items()}
    for key, name in (('hf_model_name', TOWER), ('hf_tokenizer_name', TOKENIZER)):
        if part.get(key) == name:
            part[key] = osp.join(folder, name)
    if part.get('association'):
        part['association']['pretrained'] = osp.join(folder, ASSOCIATION)
    if part.get('type') == 'UniFormerV2':
        part['clip_pretrained'] = False
    return part


def _with_tuples(pipeline: list[dict]) -> list[dict]:
    """JSON has no tuples, but MMAction2's transforms tell them from lists."""
    return [
        {k: tuple(v) if isinstance(v, list) else v for k, v in step.items()}
        for step in pipeline
    ]


def _check_weights(folder: str, described: nn.Module) -> None:
    """The tensors of the weights are those that the config describes."""
    file = osp.basename(shared_weights(osp.join(folder, SHARED_CONFIG)))
    given = _shapes_of_index(folder) if file == SHARED_INDEX else _shapes(folder, file)
    _compare(folder, file, given, described.state_dict())
    association = getattr(described, 'association', None)
    if association is not None:
        expected = clip_weights(association.recognizer)
        _compare(folder, ASSOCIATION, _shapes(folder, ASSOCIATION), expected)


def _compare(folder: str, file: str, given: Shapes, expected: Shapes) -> None:
    by_fault = misfits(given, expected, ())
    by_fault['tensors of another kind of number'] = [
        name
        for name in given.keys() & expected.keys()
        if given[name].is_floating_point() != expected[name].is_floating_point()
    ]
    problems = [
        f'{len(names)} {what}, such as {names[0]}'
        for what, names in by_fault.items()
        if names
    ]
    if problems:
        what = '; '.join(problems).replace('the checkpoint', 'it')
        refuse(folder, file, f'does not fit the model of {SHARED_CONFIG}: {what}')


def _shapes_of_index(folder: str) -> Shapes:
    """Of weights in several files, each of which has what the index says."""
    try:
        places = read_index(osp.join(folder, SHARED_INDEX))
    except ValueError as error:
        refuse(folder, SHARED_INDEX, str(error))
    shapes: Shapes = {}
    for file in sorted(set(places.values())):
        part = _shapes(folder, file)
        expected = {name for name, place in places.items() if place == file}
        if set(part) != expected:
            name = sorted(set(part) ^ expected)[0]
            refuse(
                folder, file, f"its tensors are not those of {SHARED_INDEX}: '{name}'"
            )
        shapes.update(part)
    return shapes


def _shapes(folder: str, file: str) -> Shapes:
    """The shapes of the tensors in a file of safetensors, by its header alone."""
    path = osp.join(folder, file)
    if not osp.isfile(path):
        refuse(folder, file, 'the file does not exist')
    with open(path, 'rb') as content:
        begin = content.read(4)
    if begin[:2] in (b'PK', b'\x80\x02', b'\x80\x03', b'\x80\x04', b'\x80\x05'):
        refuse(
            folder,
            file,
            'is a pickle of PyTorch, which can run code, and no safetensors: it is '
            'not read',
        )
    try:
        with safe_open(path, 'pt') as tensors:
            return {
                name: _without_content(tensors.get_slice(name))
                for name in tensors.keys()  # noqa: SIM118
            }
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        refuse(folder, file, f'is damaged, or no safetensors ({error})')


def _without_content(tensor: Any) -> torch.Tensor:
    """Of the shape of a tensor in a file, and of its kind: floats, or others."""
    is_float = tensor.get_dtype().startswith(('F', 'BF'))
    dtype = torch.float32 if is_float else torch.int64
    return torch.empty(tensor.get_shape(), dtype=dtype, device='meta')


def _described(folder: str, model: dict) -> nn.Module:
    """The model, whose tensors have shapes, but take no memory."""
    try:
        with torch.device('meta'), _NumbersOnCPU(model.get('backbone') or {}):
            return MODELS.build(copy.deepcopy(model))
    except Exception as error:
        refuse(folder, SHARED_CONFIG, f'the model cannot be built: {error}')


class _NumbersOnCPU(TorchFunctionMode):
    """Some towers make a list of Python's numbers by torch, which need values."""

    def __init__(self, backbone: dict) -> None:
        super().__init__()
        self.functions: list[Any] = [torch.linspace]
        inner = str((backbone.get('backbone') or {}).get('type'))
        if inner.startswith('torchvision.regnet'):  # whose sizes nobody can choose
            self.functions += [torch.arange, torch.tensor]

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in self.functions:
            kwargs['device'] = 'cpu'
        return func(*args, **kwargs)


def clip_weights(recognizer: nn.Module) -> dict[str, torch.Tensor]:
    """Of a recognizer that finds attributes, in the layout of open_clip."""
    places = (
        ('backbone.visual.', 'visual.'),
        ('cls_head.text_encoder.text.', 'text.'),
        ('cls_head.logit_scale', 'logit_scale'),
    )
    return {
        new + name[len(old) :]: tensor
        for name, tensor in recognizer.state_dict().items()
        for old, new in places
        if name.startswith(old)
    }
