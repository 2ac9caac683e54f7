"""Remedies for MMAction2: its imports, its data sets, its heads."""

import importlib.util
import os.path as osp
import sys
import types
from typing import Any, Optional

from .registry import remedy, replace


@remedy('mmaction2', '<=1.2.0', 'its wheel cannot import its models', for_import=True)
def add_missing_localizer() -> Optional[str]:
    """The wheel lacks ``models/localizers/drn``.

    An empty stand-in is put where the folder is absent. Building ``DRN``
    itself remains impossible.
    """
    name = 'mmaction.models.localizers.drn'
    if name in sys.modules or osp.isdir(_folder_of_drn()):
        return 'its folder is there'
    package, module = types.ModuleType(name), types.ModuleType(f'{name}.drn')
    stand_in = type('DRN', (), {'__doc__': 'Absent from this mmaction2.'})
    package.__dict__.update(__path__=[], drn=module)
    module.__dict__.update(DRN=stand_in)
    sys.modules[name] = package
    sys.modules[f'{name}.drn'] = module
    return None


def _folder_of_drn() -> str:
    spec = importlib.util.find_spec('mmaction')
    assert spec and spec.origin
    return osp.join(osp.dirname(spec.origin), 'models', 'localizers', 'drn')


@remedy('mmaction2', '<=1.2.0', 'no import with transformers >= 4.57', for_import=True)
def leave_out_multimodal_models() -> Optional[str]:
    """Its multi-modal models ask for functions that transformers removed.

    They are left out, as they are where transformers is not installed.
    """
    import mmaction.utils.dependency as dependency

    return leave_out_multimodal(dependency)


def leave_out_multimodal(dependency: Any) -> Optional[str]:
    """Switch off what a package's module ``utils.dependency`` has switched on."""
    if not dependency.WITH_MULTIMODAL:
        return 'transformers is not installed'
    if has_functions_of_old_transformers():
        return 'this transformers fits'
    dependency.WITH_MULTIMODAL = False
    return None


def has_functions_of_old_transformers() -> bool:
    """Whether transformers has what OpenMMLab's multi-modal models import."""
    try:
        from transformers.modeling_utils import (  # type: ignore  # noqa: F401
            apply_chunking_to_forward,
            find_pruneable_heads_and_indices,
            prune_linear_layer,
        )
    except Exception:  # its lazy modules raise more than ImportError
        return False
    return True


@remedy('mmaction2', '<=1.2.0', 'its heads fail in bfloat16, which numpy does not have')
def take_scores_in_float32() -> None:
    """``Got unsupported ScalarType BFloat16``, in training and in testing.

    Scores of other types stay as they are. The loss is then computed in
    float32 too, as torch's own autocast does it.
    """
    from mmaction.models.heads import BaseHead

    def in_float32(original):
        def with_float32(self, cls_scores, *args, **kwargs):
            if str(getattr(cls_scores, 'dtype', '')) == 'torch.bfloat16':
                cls_scores = cls_scores.float()
            return original(self, cls_scores, *args, **kwargs)

        return with_float32

    for name in ('loss_by_feat', 'predict_by_feat'):
        replace(BaseHead, name, in_float32)


@remedy('mmaction2', '<=1.2.0', 'ColorJitter adds to the hue in bytes, which overflow')
def jitter_hue_without_overflow() -> None:
    """numpy 2 raises where the offset is negative.

    Where hue and offset exceed 255, any numpy turns the sum to another
    colour.
    """
    import cv2
    import numpy as np
    from mmaction.datasets.transforms import ColorJitter

    def adjust_hue(img, factor):
        img = np.clip(img, 0, 255).astype(np.uint8)
        hsv = cv2.cvtColor(img, cv2.COLOR_RGB2HSV)
        hue = hsv[..., 0].astype(np.int16) + int(factor * 255)
        hsv[..., 0] = hue % 180  # an angle in steps of two degrees
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)

    replace(ColorJitter, 'adjust_hue', lambda original: adjust_hue)
