"""What is looked at before the first epoch."""

import logging
from collections.abc import Iterator, Sequence
from math import prod

from mmaction.registry import HOOKS
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from ..checkpoint.fit import check_complete
from ..datasets.entries import innermost
from ..datasets.labels import check_labels
from ..models.clip.pipeline_fit import misfits
from ..models.recognizer import CLIPRecognizer
from ..models.wrappers import number_of_classes, unwrap_model
from .schedule import Run, check_schedule


@HOOKS.register_module()
class CheckStart(Hook):
    """Refuse a training that would go wrong, or fail, hours later.

    Looks at the schedule, see :func:`.check_schedule`, and at the labels of
    training and validation. A batch that the learning rate is not for is
    told in the log, and so are pipelines whose images the weights of an image
    tower do not fit, see :func:`.misfits`. A test is refused if its weights
    would be random.
    """

    def before_run(self, runner) -> None:
        """Look at all of it; everything is built, no weights are read.

        Raises:
            ValueError: naming what does not fit together.
        """
        if not isinstance(runner._train_loop, BaseLoop):
            return  # it is a test
        loader = runner.train_dataloader
        if not len(loader):
            raise ValueError(
                f'the training set has {len(loader.dataset)} videos, not one '
                f'batch of {loader.batch_size}: lower '
                'train_dataloader.batch_size, or set its drop_last=False'
            )
        run = Run(
            None
            if isinstance(runner.train_loop, IterBasedTrainLoop)
            else runner.max_epochs,
            runner.max_iters,
        )
        schedulers = runner.param_schedulers or []
        for one in (
            schedulers.values() if isinstance(schedulers, dict) else [schedulers]
        ):
            check_schedule(one, run)
        classes = number_of_classes(runner.model)
        if classes is not None:
            check_labels(loader.dataset, classes)
            if isinstance(runner._val_loop, BaseLoop):
                check_labels(runner.val_dataloader.dataset, classes)
        _tell_of_batch(runner)

    def before_train(self, runner) -> None:
        """Tell of images that do not fit; all weights are read."""
        _tell_of_images(runner, ('train', 'val'))

    def before_test(self, runner) -> None:
        """As before a training."""
        _tell_of_images(runner, ('test',))

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Refuse to test a model of which a checkpoint leaves weights random.

        MMEngine only logs it. A training may begin with a part of the weights,
        and a :class:`.CLIPRecognizer` has its own rules of what may be absent.

        Raises:
            RuntimeError: as :func:`.check_complete`.
        """
        model = unwrap_model(runner.model)
        if isinstance(runner._train_loop, BaseLoop) or isinstance(
            model, CLIPRecognizer
        ):
            return
        check_complete(model, checkpoint, runner._load_from)


def _tell_of_images(runner, splits: Sequence[str]) -> None:
    """Warn once, in the log of the first process."""
    text = misfits(runner.cfg, splits) if is_main_process() else ''
    if text:
        print_log(text[0].upper() + text[1:], 'current', logging.WARNING)


def _tell_of_batch(runner) -> None:
    """Warn where rate and total batch size do not belong together."""
    scaling = getattr(runner, 'auto_scale_lr', None) or {}
    wanted = scaling.get('base_batch_size')
    loader = runner.train_dataloader
    if (
        not wanted
        or scaling.get('enable')
        or loader.batch_size is None
        or len(loader.sampler) < loader.batch_size
    ):
        return
    factors = [(n, what) for n, what in _factors(runner) if n > 1]
    others = prod(n for n, _ in factors)
    total = loader.batch_size * others
    if total == wanted:
        return
    words = ''.join(f' x {n} {what}' for n, what in factors)
    cure = (
        ''
        if wanted % others
        else f'set train_dataloader.batch_size={wanted // others}, or '
    )
    print_log(
        f'train_dataloader.batch_size={loader.batch_size}{words}: a step sees '
        f'{total} videos, but the learning rate is for {wanted} '
        f'(auto_scale_lr.base_batch_size): {cure}add --auto-scale-lr, which '
        'scales the rate with the batch',
        'current',
        logging.WARNING,
    )


def _factors(runner) -> Iterator[tuple[int, str]]:
    yield get_world_size(), 'processes'
    yield (
        getattr(runner.optim_wrapper, '_accumulative_counts', 1),
        'accumulated batches',
    )
    dataset = innermost(runner.train_dataloader.dataset)
    pipeline = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    for part in (dataset, *pipeline):  # RepeatAugDataset, RepeatSample
        yield getattr(part, 'num_repeats', 1), 'samples of each video'
