"""What makes an image tower cheaper, where its architecture allows."""

from typing import Any

import torch
import torch.nn as nn
from open_clip.model import convert_weights_to_lp
from open_clip.transformer import PatchDropout
from torch import Tensor

from ...compat import torch_version
from ..transfer import takes_in_order
from .architectures import Arch, arch_name, build_image_tower, get_arch
from .lora import is_list_of_blocks

DTYPES = {'bfloat16': torch.bfloat16, 'float16': torch.float16}


class PatchDropoutAhead(PatchDropout):
    """open_clip's, with the same draws; a GPU is not waited for."""

    def forward(self, x: Tensor) -> Tensor:
        """As of open_clip.

        Args:
            x (Tensor): Tokens [N, L, D].
        """
        if not self.training or self.prob == 0:
            return x
        first = int(self.exclude_first_token)
        number, total = x.shape[0], x.shape[1] - first
        kept = max(1, int(total * (1 - self.prob)))
        # Drawn on the host, as there.
        places = torch.randn(number, total).topk(kept, dim=-1).indices
        places = places.to(x.device, non_blocking=takes_in_order(x.device))
        rows = torch.arange(number, device=x.device)[:, None]
        out = x[:, first:][rows, places]
        return torch.cat((x[:, :first], out), dim=1) if first else out


def with_patch_dropout(arch: Arch, share: float) -> nn.Module:
    """An image tower that leaves out patches in training (Li et al., FLIP, 2023).

    Each image loses others, so each frame of a clip too: what one frame does not
    show, the next ones do. Were the places the same, as in tubes, a small thing
    that rests in one of them would be lost from the whole clip, whose label it may
    be. (Tubes keep a model from copying a patch from the next frame when it is to
    restore it; here nothing is restored, and the tower sees one frame at a time.)

    Args:
        arch (str | dict): See :func:`.get_arch`.
        share (float): Of the patches, from 0 to below 1.

    Raises:
        ValueError: if it is another number, or the tower has no such layer.
    """
    if not 0 < share < 1:
        raise ValueError(f'patch_dropout={share} must be at least 0 and below 1')
    config = get_arch(arch)
    config['vision_cfg']['patch_dropout'] = share
    refused = (
        f'patch_dropout={share}: the image tower of arch={arch_name(arch)} has no '
        'layer that leaves out patches; leave patch_dropout out'
    )
    try:
        tower = build_image_tower(config)
    except ValueError as error:  # of timm, which does not know the option
        if 'patch_drop' in str(error):
            raise ValueError(refused) from error
        raise
    for module in tower.modules():
        if type(module) is PatchDropout:
            module.__class__ = PatchDropoutAhead
    # open_clip's and timm's have no parent in common.
    if not any(type(m).__name__.startswith('PatchDropout') for m in tower.modules()):
        raise ValueError(refused)
    return tower


def low_precision(tower: nn.Module, dtype: str) -> torch.dtype:
    """Keep the weights of matrix products and convolutions in few digits.

    As open_clip's precisions 'bf16' and 'fp16' do; norms and embeddings of
    positions stay float32. The tower must run under ``torch.autocast``. Its state
    dict has the weights as they are now, and loads those of float32.

    Args:
        tower (nn.Module): Is changed in place.
        dtype (str): 'bfloat16' or 'float16'.

    Returns:
        torch.dtype: The same.

    Raises:
        ValueError: if it is another one.
    """
    if dtype not in DTYPES:
        raise ValueError(f'dtype={dtype!r} must be one of {sorted(DTYPES)}, or None')
    convert_weights_to_lp(tower, DTYPES[dtype])
    return DTYPES[dtype]


def compile_tower(tower: Any, options: dict, by_block: bool = True) -> list[nn.Module]:
    """Compile a tower when it first runs; the names of its weights stay.

    The blocks of a transformer are alike: what is compiled for the first serves
    all but the last one of some CLIPs, in a fraction of the time that the tower as a
    whole takes. The layers around them are compiled, too. The whole is compiled
    where it has no such blocks, or torch would compile each anew (before 2.5).

    Args:
        tower (nn.Module): Is changed in place.
        options (dict): Arguments of ``torch.compile``, such as ``mode``.
        by_block (bool): Whether its blocks run as they are. Defaults to True.

    Returns:
        list[nn.Module]: What is compiled.

    Raises:
        RuntimeError: if torch is too old.
    """
    if not hasattr(nn.Module, 'compile'):
        raise RuntimeError(
            'compile needs torch>=2.2 for the image tower, but torch '
            f'{torch.__version__} is installed; leave compile out'
        )
    is_once = torch_version() >= (2, 5)
    blocks = _equal_blocks(tower) if by_block and is_once else []
    parts = [*blocks, *_around(blocks, tower)] if blocks else [tower]
    for part in parts:
        part.compile(**options)
    return parts


def _equal_blocks(tower: nn.Module) -> list[nn.Module]:
    """The blocks of a transformer; none where a tower has stages, or one block."""
    plain = [m for m in tower.modules() if type(m) in (nn.ModuleList, nn.Sequential)]
    sequences = [list(m.children()) for m in plain if is_list_of_blocks(m)]
    sequences = [blocks for blocks in sequences if _are_equal(blocks)]
    return sequences[0] if len(sequences) == 1 else []


def _around(blocks: list[nn.Module], tower: nn.Module) -> list[nn.Module]:
    """Modules with weights beside those that hold the blocks.

    The first of each class: torch keeps few compiled forms of one ``forward``, and
    the second is a norm of the class token alone.
    """
    first = blocks[0]
    holders = [m for m in tower.modules() if any(x is first for x in m.modules())]
    holders = holders[:-1]  # the last one is the block
    known = {id(module) for module in (*holders, *blocks)}
    around: dict[type, nn.Module] = {}
    for holder in holders:
        for child in holder.children():
            if id(child) not in known and any(True for _ in child.parameters()):
                around.setdefault(type(child), child)
    return list(around.values())


def _are_equal(blocks: list[nn.Module]) -> bool:
    """Whether they are several, and of one form.

    Also of one text: what is compiled is of the numbers in it, such as the share of
    blocks that are left out (``drop_path``), which often grows from block to block.
    But for the name of their class, as the last may be :class:`.ClassTokenBlock`.
    """
    forms = [
        (
            repr(block).partition('(')[2],
            [(name, x.shape) for name, x in block.named_parameters()],
        )
        for block in blocks
    ]
    return len(blocks) > 1 and all(form == forms[0] for form in forms)
