"""How much of CLIP is trained, on clips of one's own."""

import math

from mmengine.config import ConfigDict

from ..datasets.pipeline_access import own_dataset
from ..models.clip.architectures import get_arch
from ..shipped import FROZEN, FULL, LORA, WAYS
from .evaluators import metrics_of

EPOCHS = {FROZEN: 30, LORA: 10, FULL: 10}
BATCH = 32  # where frames are embedded already
PATIENCE = {FROZEN: 15, LORA: 8, FULL: 8}  # epochs without a better validation
LEAST_GAIN = 1e-6  # MMEngine's is 0.1: ten points of accuracy in an epoch
# Of new weights alone, at CLIP's smallest widths; wider ones learn slower.
RATE, WIDTH = 1e-3, 128
HEAD_WIDTH = 64
CONTRASTIVE, SIGMOID = 'ContrastiveLoss', 'SigmoidLoss'
BIAS_RATE = 10  # times that of other weights: of one number, about 20 in size


def tune(cfg, way: str) -> None:
    """Choose what is trained, and a schedule that fits few clips.

    - 'frozen': CLIP stays as it is. A temporal transformer of two blocks
      learns, so that frame embeddings can be kept
      (:func:`.use_cached_embeddings`).
    - 'lora': small adapters in the image tower, see :func:`.add_lora`.
    - 'full': all of the image tower, as BIKE, by the config's own rates.

    Training ends early where validation has not become better for a while,
    and the best weights are kept beside the last ones.

    Args:
        cfg (Config | ConfigDict): The config to change, of a
            :class:`.CLIPRecognizer`.
        way (str): One of these.

    Raises:
        ValueError: if there is no such way, the model has no image tower of
            CLIP, or its loss does not fit the labels.
    """
    if way not in WAYS:
        raise ValueError(f'tune: {way!r} is none of {", ".join(WAYS)}')
    batch = cfg.train_dataloader.get('batch_size', 1)
    if not isinstance(batch, int) or batch < 1:
        raise ValueError(
            f'train_dataloader.batch_size={batch!r} must be a whole number, 1 or more'
        )
    backbone = cfg.model.get('backbone') or {}
    if backbone.get('type') != 'CLIPImageEncoder':
        raise ValueError(
            'tune: model.backbone must be a CLIPImageEncoder, got '
            f'{backbone.get("type")!r}'
        )
    one_label = loss_of(cfg) == CONTRASTIVE
    if own_dataset(cfg, 'train').get('multi_class') and one_label:
        raise ValueError(
            f'tune: clips may have several labels, but {CONTRASTIVE} takes one: name '
            f'{SIGMOID} in model.cls_head.loss_cls.type, and leave out an '
            'attributes_head; `bike data --one-label` leaves out clips with several'
        )
    if way == FULL:
        _scale_rate(cfg)
    else:
        _train_new_weights(cfg, way)
    if loss_of(cfg) == SIGMOID:
        _train_bias(cfg)
    _set_schedule(cfg, EPOCHS[way])
    _stop_early(cfg, way)


def _train_new_weights(cfg, way: str) -> None:
    backbone = cfg.model['backbone']
    width = get_arch(backbone['arch'])['embed_dim']
    if way == LORA:
        backbone['lora'] = ConfigDict(rank=8)
    else:
        backbone['frozen'] = True
        if not cfg.get('load_from'):  # else the neck is trained already
            cfg.model['neck'] = ConfigDict(
                type='TemporalTransformer',
                embed_dims=width,
                num_heads=max(1, width // HEAD_WIDTH),
                num_layers=2,
            )
        if loss_of(cfg) == CONTRASTIVE:  # which contrasts the clips of a batch
            loader = cfg.train_dataloader
            loader['batch_size'] = max(BATCH, loader.get('batch_size', 1))
    rate = RATE * math.sqrt(WIDTH / max(width, WIDTH))
    cfg.optim_wrapper['optimizer'] = ConfigDict(
        type='FusedAdamW',
        lr=rate,
        weight_decay=cfg.optim_wrapper['optimizer'].get('weight_decay', 0.2),
    )
    cfg.optim_wrapper['paramwise_cfg'] = ConfigDict(
        custom_keys=dict(logit_scale=dict(lr_mult=0.1, decay_mult=0.0))
    )
    cfg['auto_scale_lr'] = None


def _train_bias(cfg) -> None:
    """That of independent probabilities, which no decay may draw to 0."""
    options = cfg.optim_wrapper.setdefault('paramwise_cfg', ConfigDict())
    keys = options.setdefault('custom_keys', ConfigDict())
    keys['loss_cls'] = ConfigDict(lr_mult=BIAS_RATE, decay_mult=0.0)


def _scale_rate(cfg) -> None:
    """By the square root of the batch, as AdamW's steps do not add up."""
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    if base:
        batch = cfg.train_dataloader.get('batch_size', base)
        cfg.optim_wrapper['optimizer']['lr'] *= math.sqrt(min(1.0, batch / base))
    cfg['auto_scale_lr'] = None


def _set_schedule(cfg, epochs: int) -> None:
    """A cosine over all of the training."""
    cfg.param_scheduler = [
        ConfigDict(
            type='CosineAnnealingLR',
            T_max=epochs,
            eta_min=0,
            by_epoch=True,
            convert_to_iter_based=True,
        )
    ]
    cfg.train_cfg['max_epochs'] = epochs
    cfg.train_cfg['val_interval'] = 1


def _stop_early(cfg, way: str) -> None:
    hooks = dict(cfg.get('default_hooks') or {})
    checkpoint = dict(hooks.get('checkpoint') or dict(type='CheckpointHook'))
    checkpoint.update(interval=1, max_keep_ckpts=1, save_last=True)
    if cfg.get('val_dataloader'):
        metric = metric_of(cfg)
        checkpoint.update(save_best=metric, rule='greater')
        hooks['early_stopping'] = dict(
            type='EarlyStoppingHook',
            monitor=metric,
            rule='greater',
            patience=PATIENCE[way],
            min_delta=LEAST_GAIN,
        )
    else:
        checkpoint.update(save_best=None)
    cfg['default_hooks'] = ConfigDict(hooks, checkpoint=ConfigDict(checkpoint))


def loss_of(cfg) -> str:
    """The type of the video branch's loss."""
    return (cfg.model['cls_head'].get('loss_cls') or {}).get('type', CONTRASTIVE)


def metric_of(cfg) -> str:
    """What validation is judged by: top-1, or mAP where labels are several."""
    metrics = metrics_of(cfg.get('val_evaluator'))
    several = any(metric.get('type') == 'MeanAPMetric' for metric in metrics)
    return 'acc/mAP' if several else 'acc/top1'
