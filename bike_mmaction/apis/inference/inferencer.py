"""Recognize one's own videos in a few lines."""

from collections.abc import Iterator, Sequence
from typing import Any, Optional, Union

from mmengine.config import Config

from ...datasets.pipeline_access import video_pipeline
from ...models.clip.pipeline_fit import warn_of_misfits
from ...models.vcs_head import VCSHead
from ...recipes import set_views
from ...shipped import DEFAULT_CONFIG, find_model
from ...video import TIME_LIMIT
from ..building import (
    PRETRAINED,
    build_recognizer,
    choose_device,
    read_association,
    read_config,
    use_lexicon,
)
from ..hub.download import local_model
from ..hub.shareable import Shareable
from .call_classes import CallClasses
from .pictures import ResultWriter
from .reading import check_reading, choose_workers
from .recognition import Recognition
from .sources import Source, SourceReader, find_sources, isolate
from .streams import Stream
from .videos import recognize_stream, recognize_videos, recognize_windows


class BIKEInferencer(CallClasses, Shareable):
    """Recognize videos among any classes.

    The classes of a call are its own: several threads may use one
    recognizer, each with other classes. A call without any takes those of
    the config, or of :meth:`~.CallClasses.set_classes`. The last few sets of
    class names stay embedded.

    Args:
        config (str | Config): Of a recognizer with a :class:`.VCSHead`: a
            file, the name of a shipped config, or a shared model (a folder,
            or 'hf-hub:org/name', see ``from_pretrained``). Defaults to
            'bike_vitb16_vcs_k400': CLIP without further training.
        checkpoint (str): A checkpoint, or 'pretrained': the weights that the
            config names, without training. Defaults to the latter.
        device (str, optional): Such as 'cpu' or 'cuda:0'. Defaults to None:
            a GPU if there is one. On a CPU it computes in float32.
        views (str, optional): Such as '4x3' or '10x3d', see
            :func:`.parse_views`. Defaults to None: as the config says.
        lexicon (str | Sequence[str], optional): Where attributes are found,
            see :func:`.load_lexicon`. Defaults to None: as the config says.
        num_attributes (int): Attributes per video, with a ``lexicon``.
            Defaults to 5.
        workers (int, optional): Processes that read while the model computes;
            a crash there costs one video. With 0 this process reads. Defaults
            to None: up to four for several videos or a timeline, 0 for one.
        time_limit (float, optional): Seconds for such a process to read a
            video, or a window of one. Defaults to 60; None is without limit.

    Raises:
        FileNotFoundError: if there is no such config or checkpoint.
        ValueError: if the config has no such head, reads no video files, or
            has an attributes branch but no lexicon; or if without checkpoint
            some of its weights would be random.

    Examples:
        >>> from bike_mmaction.apis import BIKEInferencer
        >>> bike = BIKEInferencer('configs/bike_vitb16_k400.py', 'bike.pth')
        >>> recognition, = bike('video.mp4', classes=['a dog', 'playing chess'])
        >>> print(recognition.label, recognition.predictions)
    """

    def __init__(
        self,
        config: Union[str, Config] = DEFAULT_CONFIG,
        checkpoint: str = PRETRAINED,
        device: Optional[str] = None,
        views: Optional[str] = None,
        lexicon: Union[str, Sequence[str], None] = None,
        num_attributes: int = 5,
        workers: Optional[int] = None,
        time_limit: Optional[float] = TIME_LIMIT,
    ) -> None:
        check_reading(workers, time_limit)
        self.workers, self.time_limit = workers, time_limit
        if isinstance(config, str):
            config, checkpoint = find_model(local_model(config), checkpoint)
        self.checkpoint = checkpoint
        config = read_config(config)
        if views is not None:
            set_views(config, views)
        if lexicon is not None:
            use_lexicon(config.model, lexicon, num_attributes)
        self.device = choose_device(device)
        self.model = build_recognizer(config, checkpoint)
        head = getattr(self.model, 'cls_head', None)
        if not isinstance(head, VCSHead):
            raise ValueError(
                'BIKEInferencer needs a model whose cls_head is '
                f'a VCSHead, got {type(head).__name__}'
            )
        self.head = head
        read_association(self.model, self.device)
        self.model.to(self.device).eval()
        pipeline = video_pipeline(config)
        warn_of_misfits(config.model, pipeline)
        self.reader = SourceReader(pipeline)
        super().__init__(self.model, config.get('threshold'))

    def __call__(
        self,
        inputs,
        classes: Union[str, Sequence[str], None] = None,
        topk: int = 5,
        threshold: Optional[float] = None,
        batch_size: int = 4,
        writer: Optional[ResultWriter] = None,
        progress: bool = False,
    ) -> list[Recognition]:
        """Recognize whole videos.

        Args:
            inputs: See :func:`.find_sources`.
            classes (str | Sequence[str], optional): Names, a file of them or
                a built-in list, for this call. Defaults to None: those of
                :meth:`~.CallClasses.set_classes`, or else of the config.
            topk (int): Predictions per video. Defaults to 5.
            threshold (float, optional): Confidence below which a video is
                "none of these". Defaults to None: what was chosen for the
                model, for its own classes; else 0, or 0.5 where a video may
                have several classes.
            batch_size (int): Videos at once. Defaults to 4.
            writer (ResultWriter, optional): Writes results, pictures and
                annotated videos as soon as a batch is done.
            progress (bool): Whether to show a bar. Defaults to False.

        Returns:
            list[Recognition]: One for each video, also for those that could
            not be read.
        """
        return list(
            self.each(inputs, classes, topk, threshold, batch_size, writer, progress)
        )

    def each(
        self,
        inputs,
        classes: Union[str, Sequence[str], None] = None,
        topk: int = 5,
        threshold: Optional[float] = None,
        batch_size: int = 4,
        writer: Optional[ResultWriter] = None,
        progress: bool = False,
    ) -> Iterator[Recognition]:
        """What a call returns, one by one, each as soon as its batch is done."""
        model, sources = self._model_for(classes), self.find(inputs)
        workers = choose_workers(self.workers, len(sources))
        options = self._options(classes, workers, topk, threshold, batch_size, progress)
        yield from recognize_videos(model, self.reader, sources, writer, **options)

    def find(self, inputs, workers: Optional[int] = None) -> list[Source]:
        """Videos behind what a user gave.

        Args:
            inputs: See :func:`.find_sources`.
            workers (int, optional): But for 0 other processes will read them.
                Defaults to None: as a call decides.
        """
        sources = find_sources(inputs, **self.reader.options)
        if workers is None:
            workers = choose_workers(self.workers, len(sources))
        return [
            isolate(source, self.time_limit) if workers else source
            for source in sources
        ]

    def timeline(
        self,
        video,
        classes: Union[str, Sequence[str], None] = None,
        window: float = 4.0,
        stride: Optional[float] = None,
        topk: int = 5,
        threshold: Optional[float] = None,
        batch_size: int = 4,
        fps: float = 25.0,
        writer: Optional[ResultWriter] = None,
        progress: bool = False,
    ) -> list[Recognition]:
        """Recognize a long video window by window.

        Args:
            video: One video, see :func:`.find_sources`.
            classes (str | Sequence[str], optional): As in a call.
            window (float): Length of a window in seconds. Defaults to 4.
            stride (float, optional): Seconds to the next. Defaults to None: half.
            fps (float): Of an array or a folder of frames. Defaults to 25.
            topk, threshold, batch_size, writer, progress: As in a call.

        Returns:
            list: One for each window, with its ``segment``; one alone if the
            video cannot be read.

        Raises:
            ValueError: if it is not one video.
        """
        options = topk, threshold, batch_size, fps, writer, progress
        return list(self.each_window(video, classes, window, stride, *options))

    def each_window(
        self,
        video,
        classes: Union[str, Sequence[str], None] = None,
        window: float = 4.0,
        stride: Optional[float] = None,
        topk: int = 5,
        threshold: Optional[float] = None,
        batch_size: int = 4,
        fps: float = 25.0,
        writer: Optional[ResultWriter] = None,
        progress: bool = False,
    ) -> Iterator[Recognition]:
        """What a timeline is, one by one, each as soon as its batch is done."""
        model, workers = self._model_for(classes), choose_workers(self.workers, 2)
        sources = self.find(video, workers)
        if len(sources) != 1:
            raise ValueError(f'a timeline is of one video, got {len(sources)}')
        source = sources[0]._replace(fps=fps)
        options = self._options(classes, workers, topk, threshold, batch_size, progress)
        yield from recognize_windows(
            model, self.reader, source, window, stride, writer, **options
        )

    def stream(
        self,
        address: Union[int, str],
        classes: Union[str, Sequence[str], None] = None,
        window: float = 4.0,
        stride: float = 1.0,
        topk: int = 5,
        threshold: Optional[float] = None,
        fps: float = 8.0,
    ) -> Iterator[Recognition]:
        """Recognize what a camera sees, until its stream ends.

        Args:
            address (int | str): Number of a camera, or a network address,
                such as 'rtsp://...'.
            classes (str | Sequence[str], optional): As in a call.
            window (float): Seconds to look back. Defaults to 4.
            stride (float): Seconds from one result to the next; more if the
                model needs more. Defaults to 1.
            topk, threshold: As in a call.
            fps (float): Frames to keep of each second. Defaults to 8.

        Yields:
            Recognition: With its ``segment``, in seconds since the start.

        Raises:
            ValueError: if it cannot be opened.
        """
        model = self._model_for(classes)
        with Stream(address, window, fps) as stream:
            windows = stream.windows(stride)
            threshold = self.threshold_for(classes, threshold)
            yield from recognize_stream(model, self.reader, windows, topk, threshold)

    def _options(
        self,
        classes: Union[str, Sequence[str], None],
        workers: int,
        topk: int,
        threshold: Optional[float],
        batch_size: int,
        progress: bool,
    ) -> dict[str, Any]:
        """Of :func:`.recognize_batches`."""
        return dict(
            topk=topk,
            threshold=self.threshold_for(classes, threshold),
            batch_size=batch_size,
            progress=progress,
            workers=workers,
            time_limit=self.time_limit,
        )
