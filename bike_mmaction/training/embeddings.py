"""Kept frame embeddings fit the model that is trained or tested with them."""

from collections.abc import Iterator
from typing import Any

from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from ..datasets.embedding_store import EmbeddingStore, as_plain
from ..datasets.entries import annotated
from ..datasets.transforms import LoadFrameEmbeddings
from ..models.frame_encoder import tower_settings
from ..models.wrappers import unwrap_model


@HOOKS.register_module()
class CheckEmbeddings(Hook):
    """Refuse kept frame embeddings of another image tower than the model's.

    It looks when training or a test begins and all weights are loaded.
    """

    # Behind those that load weights.
    priority = 'LOW'

    def before_train(self, runner) -> None:
        """Look at training and validation.

        Raises:
            ValueError: naming the store, and what differs.
        """
        self._check(runner, runner.train_loop, runner.val_loop)

    def before_val(self, runner) -> None:
        """Look at a validation; nothing is computed again in training."""
        if not runner.iter:
            self._check(runner, runner.val_loop)

    def before_test(self, runner) -> None:
        """Look at a test; raises as :meth:`before_train`."""
        self._check(runner, runner.test_loop)

    def _check(self, runner, *loops: Any) -> None:
        stores = [
            store
            for loop in loops
            if loop is not None
            for store in _stores(loop.dataloader.dataset)
        ]
        if not stores:
            return
        model: Any = unwrap_model(runner.model)
        own = as_plain(tower_settings(model.backbone, model.data_preprocessor))
        for store in stores:
            refuse_other_tower(store, own, 'this training or test')


def refuse_other_tower(store: EmbeddingStore, own: dict, what: str) -> None:
    """Refuse embeddings that another image tower has made.

    Args:
        store (EmbeddingStore): The embeddings.
        own (dict): See :func:`.tower_settings`, as JSON.
        what (str): Whose tower that is.

    Raises:
        ValueError: naming the store, both towers, and what differs.
    """
    theirs = store.settings['model']
    keys = [key for key in sorted({*own, *theirs}) if own.get(key) != theirs.get(key)]
    if not keys:
        return
    made = store.about.get('config') or 'a config'
    told = {'sha256': 'weights'}
    raise ValueError(
        f"'{store.folder}' was made by another image tower than that of {what}, of "
        f'other {", ".join(told.get(key, key) for key in keys)}: '
        f'{_name(theirs)} of {made}, not {_name(own)}. Take that model '
        '(--config, --checkpoint), or make the embeddings anew'
    )


def _name(tower: dict) -> str:
    arch = tower['arch'] if isinstance(tower['arch'], str) else 'an own CLIP'
    return f'{arch} with weights {tower["sha256"][:8]}...'


def _stores(dataset: Any) -> Iterator[EmbeddingStore]:
    for part in annotated(dataset):
        pipeline = getattr(part.pipeline, 'steps', part.pipeline)  # ReportUnreadable
        for transform in getattr(pipeline, 'transforms', ()):
            if isinstance(transform, LoadFrameEmbeddings):
                yield transform.store
