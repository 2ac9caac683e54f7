"""The recognizer that holds BIKE's branches together."""
from mmaction.models.recognizers import Recognizer3D
from mmaction.registry import MODELS

from ..checkpoint import check_fit


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
        **kwargs: Further arguments of ``Recognizer3D``.

    Raises:
        ValueError: if the widths of the parts differ.
    """

    def __init__(self, backbone, cls_head=None, neck=None, **kwargs) -> None:
        super().__init__(backbone, cls_head=cls_head, neck=neck, **kwargs)
        width = getattr(self.backbone, 'embed_dims', None)
        if width is not None and self.with_cls_head and \
                self.cls_head.in_channels != width:
            raise ValueError(
                f'cls_head.in_channels={self.cls_head.in_channels}, but the '
                f"backbone's embeddings have {width} channels")

    def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs):
        """Refuse checkpoints that do not fit, which mmengine only logs."""
        given = {
            k[len(prefix):]: v
            for k, v in state_dict.items() if k.startswith(prefix)
        }
        check_fit(given, self.state_dict(), type(self).__name__)
        return super()._load_from_state_dict(state_dict, prefix, *args,
                                             **kwargs)
