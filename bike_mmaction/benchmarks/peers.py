"""Other video models with random weights, on the batch that BIKE has.

What is the same: the videos on the host, their frames and size, the precision,
the optimizer but for its parameter groups. Each model has its own loss, and
trains all of its weights; but X-CLIP's text tower is left out, in whose place
are class embeddings, as BIKE keeps those of a text tower that does not train.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, Optional, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel
from torch import Tensor

from .models import Subject, make_step, predict, without_weights

X_CLIP = 'x-clip'
# What backbones and heads of MMAction2 call the frames and the side of an image.
FRAMES = ('num_frames', 't_size', 'num_segments', 'num_segs')
SIDES = ('img_size', 'input_resolution')
_HEAD_WIDTH = 64  # of CLIP's vision transformers


class PeerConfig(NamedTuple):
    """Which other model.

    Attributes:
        name (str): 'x-clip', or the name of the config.
        config (Config, optional): Of a recognizer of MMAction2; None for X-CLIP.
    """

    name: str
    config: Optional[Config] = None


def make_part(peer: PeerConfig, subject: Subject, training: bool) -> Callable[[], None]:
    """A step of another model, or its prediction, for the batch of a subject.

    Args:
        peer (PeerConfig): Which model.
        subject (Subject): Whose batch, classes, precision and optimizer it gets.
        training (bool): Whether to train.

    Raises:
        ImportError: if the package of X-CLIP is missing.
        ValueError: if it cannot have these sizes.
    """
    model, data = make_peer(peer, subject)
    if not training:
        return lambda: predict(model, data, subject.autocast())
    optim = dict(subject.optim)
    optim.pop('paramwise_cfg', None)  # names parameters of BIKE
    return make_step(model, optim, data)


def make_peer(peer: PeerConfig, subject: Subject) -> tuple[BaseModel, dict]:
    """Build another model, and lay out the batch as it takes it; see above."""
    torch.manual_seed(0)
    if peer.config is None:
        return XClip(subject).to(subject.device), subject.data
    config = peer.config.model
    without_weights(config)
    set_sizes(config, subject.clip_len, subject.size)
    inputs = subject.data['inputs']
    if config.data_preprocessor.get('format_shape', 'NCHW') == 'NCHW':
        inputs = [one.transpose(1, 2).flatten(0, 1).contiguous() for one in inputs]
        if subject.device.type == 'cuda':
            inputs = [one.pin_memory() for one in inputs]
    model = MODELS.build(config).to(subject.device)
    return model, dict(subject.data, inputs=inputs)


def set_sizes(config: dict[str, Any], frames: int, size: int) -> None:
    """Let a recognizer of MMAction2 take other clips than its own.

    Args:
        config (dict): Of the model; its backbone and its head are changed in place,
            where their classes have such options.
        frames (int): Of a clip.
        size (int): Pixels of an image's side.
    """
    for key in ('backbone', 'cls_head'):
        options = inspect.signature(MODELS.get(config[key].type).__init__).parameters
        config[key].update({name: frames for name in FRAMES if name in options})
        config[key].update({name: size for name in SIDES if name in options})


class XClip(BaseModel):
    """Hugging Face's ``XCLIPModel`` of the sizes of a CLIP, without its text tower.

    Args:
        subject (Subject): Whose sizes, classes and preprocessing it gets.

    Raises:
        ImportError: if transformers is missing.
        ValueError: if CLIP's image tower is no vision transformer of open_clip.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__(data_preprocessor=subject.model.data_preprocessor)
        try:
            from transformers import XCLIPModel
        except ImportError as error:
            raise ImportError(
                f'the peer {X_CLIP} needs transformers: pip install transformers'
            ) from error
        config = x_clip_config(subject.arch, subject.clip_len)
        x_clip: Any = XCLIPModel(config)
        width = config.text_config.hidden_size
        x_clip.text_model = _Kept(torch.randn(subject.classes, width))
        x_clip.text_projection.requires_grad_(False)
        self.x_clip = x_clip

    def forward(
        self, inputs: Tensor, data_samples: list, mode: str = 'predict'
    ) -> Union[dict[str, Tensor], Tensor]:
        """The loss, or scores [B, K].

        Args:
            inputs (Tensor): [B, V, 3, T, H, W], normalised.
            data_samples (list[ActionDataSample]): With labels.
            mode (str): 'loss' or 'predict'. Defaults to 'predict'.
        """
        views = inputs.shape[1]
        frames = inputs.flatten(0, 1).transpose(1, 2)  # [B·V, T, 3, H, W]
        scores = self.x_clip(input_ids=None, pixel_values=frames).logits_per_video
        if mode == 'predict':
            return scores.softmax(-1).unflatten(0, (-1, views)).mean(1)
        labels = torch.cat([sample.gt_label for sample in data_samples])
        labels = labels.to(scores.device).repeat_interleave(views)
        return dict(loss=F.cross_entropy(scores, labels))


class _Kept(nn.Module):
    """In place of a text tower: embeddings [K, D] that were made before."""

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__()
        self.register_buffer('embeddings', embeddings)

    def forward(self, *args: Any, **kwargs: Any) -> tuple[None, Tensor]:
        """As text towers give them: behind what is of each token."""
        return None, self.get_buffer('embeddings')


def x_clip_config(arch: dict, frames: int) -> Any:
    """The ``XCLIPConfig`` with the image tower of a CLIP.

    Args:
        arch (dict): Of CLIP, in open_clip's layout.
        frames (int): Of a clip.

    Raises:
        ValueError: if its image tower is no vision transformer of open_clip.
    """
    from transformers import XCLIPConfig

    vision, text, width = arch['vision_cfg'], arch['text_cfg'], arch['embed_dim']
    if 'timm_model_name' in vision or not isinstance(vision.get('layers', 12), int):
        raise ValueError(
            f'the peer {X_CLIP} is made of vision transformers of open_clip alone; the '
            'image tower of --config is another one'
        )
    hidden = vision.get('width', 768)
    act = 'quick_gelu' if arch.get('quick_gelu') else 'gelu'
    return XCLIPConfig(
        text_config=dict(hidden_size=text['width'], num_hidden_layers=1),
        vision_config=dict(
            hidden_size=hidden,
            intermediate_size=int(hidden * vision.get('mlp_ratio', 4)),
            num_hidden_layers=vision.get('layers', 12),
            num_attention_heads=hidden // vision.get('head_width', _HEAD_WIDTH),
            mit_hidden_size=width,
            mit_intermediate_size=4 * width,
            image_size=vision['image_size'],
            patch_size=vision['patch_size'],
            num_frames=frames,
            hidden_act=act,
        ),
        projection_dim=width,
    )
