"""Frame embeddings that were kept, in place of frames that are decoded."""

from typing import Optional

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...files import source_of
from ..embedding_store import EmbeddingStore
from ..embedding_table import Video


def video_of(info: dict, root: str = '') -> Video:
    """How a store calls a video of a data set.

    Args:
        info (dict): What the data set says of it.
        root (str): Its folder, which is left out. Defaults to ''.
    """
    path = source_of(info)
    begin = f'{root.rstrip("/")}/'
    if root and path.startswith(begin):
        path = path[len(begin) :]
    if 'segment' in info:
        start, end = info['segment']
        return Video(path, float(start), float(end))
    if 'offset' in info:  # in frames
        first, count = info['offset'], info['total_frames']
        return Video(path, float(first), float(first + count))
    return Video(path)


@TRANSFORMS.register_module()
class LoadFrameEmbeddings(BaseTransform):
    """Take the frame embeddings of a video from a store.

    It stands in place of all transforms that open, sample, decode and augment
    a video. Of S samples, a training by epochs takes number e mod S in its
    epoch e, which are the frames and crops that it would have drawn then; see
    :class:`bike_mmaction.training.draws.SampleNumber`. A sample that stands
    for another one, or in a data set that repeats another, is drawn.

    Required keys: filename or frame_dir; sample_idx. Added keys: imgs, frame
    embeddings [V, T, D].

    Args:
        store (str): The folder, see
            :class:`bike_mmaction.datasets.embedding_store.EmbeddingStore`.
        root (str): Folder of the videos, which the store leaves out of their
            paths. Defaults to ''.

    Raises:
        FileNotFoundError: if there is no store.
        ValueError: if it is not of a training, or not complete.
    """

    def __init__(self, store: str, root: str = '') -> None:
        self.root = root
        self.store = EmbeddingStore.open(store)
        if 'clip_len' not in self.store.settings:
            raise ValueError(
                f"'{store}' is an index for search: it has frames at regular "
                'times, not those that a training or a test samples'
            )
        if not self.store.about['complete']:
            raise ValueError(
                f"'{store}' is not complete: its making was stopped. Make it "
                'again, which goes on where it was'
            )

    def transform(self, results: dict) -> dict:
        """Add ``imgs``.

        Raises:
            UnreadableError: if the video could not be read; says why.
            PipelineError: if the store does not know it.
        """
        sample = self._sample(getattr(results.get('sample_idx'), 'epoch', None))
        rows = self.store.rows_of(video_of(results, self.root), sample)
        shape = -1, self.store.settings['clip_len'], rows.shape[-1]
        results['imgs'] = np.array(rows, np.float32).reshape(shape)
        return results

    def _sample(self, epoch: Optional[int]) -> int:
        samples = self.store.samples
        if epoch is not None:
            return epoch % samples
        return int(np.random.randint(samples)) if samples > 1 else 0

    def __repr__(self) -> str:
        name = type(self).__name__
        return f'{name}(store={self.store.folder!r}, root={self.root!r})'
