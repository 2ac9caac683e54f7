"""Recognize one's own videos in a few lines."""
import os.path as osp
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import load_checkpoint
from tqdm import tqdm

from ..compat import PipelineError
from ..datasets.pipelines import own_dataset, set_views
from ..models.text_head import TextHead
from ..models.vcs_head import VCSHead
from .sources import Source, SourceReader, find_sources, windows_of


@dataclass
class Recognition:
    """What was recognized in a video, or in a window of one.

    Attributes:
        source (str): Its file; 'array' for frames.
        predictions (list[tuple[str, float]]): Classes with their
            confidences, the most likely first. Confidences of all classes
            sum to 1.
        label (str, optional): The most likely class; None for "none of
            these", below the threshold.
        saliency (dict[str, list[float]]): Share of each frame of the first
            view, for each class of ``predictions``; sums to 1.
        frames (list[int]): Numbers of these frames in the video.
        segment (tuple[float, float], optional): Begin and end, in seconds.
        error (str, optional): Why it could not be read; the rest is empty.
    """
    source: str
    predictions: List[Tuple[str, float]] = field(default_factory=list)
    label: Optional[str] = None
    saliency: Dict[str, List[float]] = field(default_factory=dict)
    frames: List[int] = field(default_factory=list)
    segment: Optional[Tuple[float, float]] = None
    error: Optional[str] = None

    def to_dict(self) -> Dict[str, Any]:
        """For JSON."""
        return asdict(self)


class BIKEInferencer:
    """Recognize videos among any classes.

    Class names are embedded once, and again only when they change.

    Args:
        config (str | Config): Of a recognizer with a :class:`.VCSHead`.
        checkpoint (str): A checkpoint, or 'pretrained': the weights that the
            config names, without training.
        device (str, optional): Such as 'cpu' or 'cuda:0'. Defaults to None:
            a GPU if there is one. On a CPU it computes in float32.
        views (str, optional): Such as '4x3'. Defaults to None: as the config
            says.

    Raises:
        ValueError: if the config has no such head, or reads no video files.

    Examples:
        >>> from bike_mmaction.apis import BIKEInferencer
        >>> bike = BIKEInferencer('configs/bike_vitb16_k400.py', 'bike.pth')
        >>> found, = bike('video.mp4', classes=['a dog', 'playing chess'])
        >>> print(found.label, found.predictions)
    """

    def __init__(self,
                 config: Union[str, Config],
                 checkpoint: str,
                 device: Optional[str] = None,
                 views: Optional[str] = None) -> None:
        register_all_modules()
        cfg = Config.fromfile(config) if isinstance(config, str) else config
        if views is not None:
            set_views(cfg, views)
        self.device = device or ('cuda:0'
                                 if torch.cuda.is_available() else 'cpu')
        self.model = MODELS.build(cfg.model)
        self.head = getattr(self.model, 'cls_head', None)
        if not isinstance(self.head, VCSHead):
            raise ValueError('BIKEInferencer needs a model whose cls_head is '
                             f'a VCSHead, got {type(self.head).__name__}')
        if checkpoint == 'pretrained':
            self.model.init_weights()
        else:
            load_checkpoint(self.model, checkpoint, map_location='cpu')
        self.model.to(self.device).eval()
        self.reader = SourceReader(own_dataset(cfg, 'test')['pipeline'])

    def __call__(self,
                 inputs,
                 classes: Union[str, Sequence[str], None] = None,
                 topk: int = 5,
                 threshold: float = 0.,
                 batch_size: int = 4,
                 progress: bool = False) -> List[Recognition]:
        """Recognize whole videos.

        Args:
            inputs: See :func:`.find_sources`.
            classes (str | Sequence[str], optional): Names, a file of them or
                a built-in list. Defaults to None: those of before, at first
                those of the config.
            topk (int): Predictions per video. Defaults to 5.
            threshold (float): Confidence below which a video is "none of
                these". Defaults to 0.
            batch_size (int): Videos at once. Defaults to 4.
            progress (bool): Whether to show a bar. Defaults to False.

        Returns:
            list[Recognition]: One for each video, also for those that could
            not be read.
        """
        self._set_classes(classes)
        return list(
            self._recognize(
                find_sources(inputs), topk, threshold, batch_size, progress))

    def timeline(self,
                 video,
                 classes: Union[str, Sequence[str], None] = None,
                 window: float = 4.,
                 stride: Optional[float] = None,
                 topk: int = 5,
                 threshold: float = 0.,
                 batch_size: int = 4,
                 fps: float = 25.,
                 progress: bool = False) -> List[Recognition]:
        """Recognize a long video window by window.

        Args:
            video: One video, see :func:`.find_sources`.
            classes (str | Sequence[str], optional): As in a call.
            window (float): Length of a window in seconds. Defaults to 4.
            stride (float, optional): From one window to the next, in
                seconds. Defaults to None: half a window.
            topk (int): As in a call.
            threshold (float): As in a call.
            batch_size (int): As in a call.
            fps (float): Of an array or a folder of frames. Defaults to 25.
            progress (bool): As in a call.

        Returns:
            list[Recognition]: One for each window, with its ``segment``.

        Raises:
            ValueError: if it is not one video, or cannot be read.
        """
        self._set_classes(classes)
        sources = find_sources(video)
        if len(sources) != 1:
            raise ValueError(f'a timeline is of one video, got {len(sources)}')
        return list(
            self._recognize(
                windows_of(sources[0]._replace(fps=fps), window, stride
                           or window / 2), topk, threshold, batch_size,
                progress))

    def _set_classes(self, classes) -> None:
        if classes is None:
            return
        self.head.set_class_names(classes)
        attributes_head = getattr(self.model, 'attributes_head', None)
        if isinstance(attributes_head, TextHead):
            attributes_head.set_class_names(classes)

    def _recognize(self, sources: List[Source], topk: int, threshold: float,
                   batch_size: int, progress: bool) -> Iterator[Recognition]:
        if topk < 1 or batch_size < 1 or not 0 <= threshold <= 1:
            raise ValueError(f'topk={topk}, batch_size={batch_size}, '
                             f'threshold={threshold}: expected positive '
                             'numbers, and a threshold in [0, 1]')
        with tqdm(
                total=len(sources), unit='video', disable=not progress) as bar:
            for first in range(0, len(sources), batch_size):
                part = sources[first:first + batch_size]
                yield from self._recognize_batch(part, topk, threshold)
                bar.update(len(part))

    def _recognize_batch(self, sources: List[Source], topk: int,
                         threshold: float) -> List[Recognition]:
        found = [
            Recognition(source.name, segment=source.segment)
            for source in sources
        ]
        batch, read = [], []
        for recognition, source in zip(found, sources):
            try:
                batch.append(self.reader(source))
                read.append(recognition)
            except PipelineError as error:
                recognition.error = str(error)
        if batch:
            self._fill(read, batch, topk, threshold)
        return found

    @torch.no_grad()
    def _fill(self, found: List[Recognition], batch: List[dict], topk: int,
              threshold: float) -> None:
        data = self.model.data_preprocessor(pseudo_collate(batch))
        features, _ = self.model.extract_feat(data['inputs'], test_mode=True)
        scores, saliency = self.head.spot(features)  # [B·V, K], [B·V, K, T]
        views = len(scores) // len(batch)
        scores = scores.unflatten(0, (-1, views)).mean(dim=1)
        # Calibrated, as CLIP and the loss see it.
        confidences = (self.head.logit_scale.exp() * scores).softmax(dim=-1)
        names = self.head.class_names
        rows = zip(found, confidences.cpu(), saliency[::views].cpu(),
                   data['data_samples'])
        for recognition, row, spots, sample in rows:
            values, order = row.topk(min(topk, len(names)))
            recognition.predictions = [
                (names[k], v) for k, v in zip(order.tolist(), values.tolist())
            ]
            if values[0] >= threshold:
                recognition.label = names[order[0]]
            recognition.saliency = {
                names[k]: spots[k].tolist()
                for k in order.tolist()
            }
            count = spots.shape[-1]
            indices = np.asarray(sample.get('frame_inds', range(count)))
            recognition.frames = indices.reshape(-1)[:count].tolist()


def describe(recognition: Recognition) -> str:
    """A line for people."""
    where = osp.basename(recognition.source)
    if recognition.segment:
        where += ' {:.1f}-{:.1f} s'.format(*recognition.segment)
    if recognition.error:
        return f'{where}: {recognition.error}'
    listed = ', '.join(f'{name} {100 * value:.1f} %'
                       for name, value in recognition.predictions)
    return f'{where}: {recognition.label or "none of these"} ({listed})'
