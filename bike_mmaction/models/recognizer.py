"""The recognizer that holds BIKE's branches together."""
import warnings
from typing import Optional, Sequence

from mmaction.models.recognizers import Recognizer3D
from mmaction.registry import MODELS

from ..checkpoint import check_fit
from .clip import CLIPImageEncoder


@MODELS.register_module()
class CLIPRecognizer(Recognizer3D):
    """BIKE: a video branch on CLIP, section 2.

    Views are folded into the batch by ``Recognizer3D``: the inputs are
    [B, V, 3, T, H, W], the frame embeddings [B·V, T, D], the class scores
    [B·V, K]. ``mode='tensor', stage='head'`` returns the cosine scores;
    averaging over the views happens in ``predict``.

    Args:
        backbone (dict): Config of a :class:`CLIPImageEncoder`, or of another
            backbone that keeps the frames apart.
        cls_head (dict): Config of a :class:`VCSHead`.
        neck (dict, optional): Config of a :class:`TemporalTransformer`.
        optional (Sequence[str]): Prefixes of tensors, such as ``'neck.'``,
            that a checkpoint may lack, or have without being used.
            Defaults to (): a checkpoint must fit.
        **kwargs: Further arguments of ``Recognizer3D``.

    Raises:
        ValueError: if the widths of the parts differ.
    """

    def __init__(self,
                 backbone: dict,
                 cls_head: Optional[dict] = None,
                 neck: Optional[dict] = None,
                 optional: Sequence[str] = (),
                 **kwargs) -> None:
        super().__init__(backbone, cls_head=cls_head, neck=neck, **kwargs)
        self.optional = optional
        if isinstance(self.backbone, CLIPImageEncoder):
            self._check_widths()
            self._check_towers()

    def _check_widths(self) -> None:
        width, given = self.backbone.embed_dims, dict()
        if self.with_neck:
            given['neck.embed_dims'] = getattr(self.neck, 'embed_dims', width)
        if self.with_cls_head:
            given['cls_head.in_channels'] = self.cls_head.in_channels
        for name, value in given.items():
            if value != width:
                raise ValueError(f"{name}={value}, but the backbone's "
                                 f'embeddings have {width} channels')

    def _check_towers(self) -> None:
        """Two towers of different CLIPs have nothing in common."""
        text = getattr(getattr(self, 'cls_head', None), 'text_encoder', None)
        if text is None:
            return
        for name in ('arch', 'pretrained'):
            image_value = getattr(self.backbone, name)
            text_value = getattr(text, name)
            if image_value != text_value:
                warnings.warn(
                    f'backbone.{name}={image_value!r}, but '
                    f'cls_head.text_encoder.{name}={text_value!r}: embeddings '
                    'of images and of texts are comparable only if both '
                    'towers come from one CLIP')

    def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs):
        """Refuse checkpoints that do not fit, which mmengine only logs."""
        given = {
            k[len(prefix):]: v
            for k, v in state_dict.items() if k.startswith(prefix)
        }
        check_fit(given, self.state_dict(), type(self).__name__, self.optional)
        return super()._load_from_state_dict(state_dict, prefix, *args,
                                             **kwargs)
