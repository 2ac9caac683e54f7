"""A web page on one's own machine: drop a video, name classes, look."""

import os.path as osp
import shutil
import tempfile
from collections import deque
from collections.abc import Sequence
from typing import Any, Optional

from ..apis.inferencer import BIKEInferencer
from ..apis.pictures import ResultWriter
from ..datasets.typed_names import join_names, split_names
from .text import plain, summarize, tabulate, without_folder

TITLE = 'BIKE: video recognition by video and text'
HELP = (
    'Drop a video, name the classes it may show, and press *Recognize*. '
    'With a window, the video is recognized piece by piece.'
)
MAX_UPLOAD = '2gb'
KEPT = 20  # results whose files stay, until Gradio has copied them
FONTS = ['system-ui', 'sans-serif']  # of this machine: nothing is fetched


def import_gradio():
    """Gradio, which is an optional extra.

    Raises:
        ImportError: if it is not installed; says how to.
    """
    try:
        import gradio
    except ImportError as error:
        raise ImportError(
            "the web page needs Gradio: pip install 'bike_mmaction[web]'"
        ) from error
    return gradio


class WebPage:
    """The page around a recognizer.

    Args:
        bike (BIKEInferencer): Recognizes; with a lexicon the page shows
            attributes too.
        classes (Sequence[str]): Names to start with. Defaults to ().

    Raises:
        ImportError: if Gradio is not installed.
    """

    def __init__(self, bike: BIKEInferencer, classes: Sequence[str] = ()) -> None:
        self.gradio = import_gradio()
        self.bike = bike
        self._folder = tempfile.TemporaryDirectory(prefix='bike_mmaction_')
        self._folders: deque[str] = deque()
        self.blocks = self._layout(join_names(classes))

    def launch(self, host: str, port: Optional[int], wait: bool = True) -> str:
        """Serve the page.

        Args:
            host (str): Address to listen at; '127.0.0.1' is this machine
                alone.
            port (int, optional): None for a free one from 7860 on.
            wait (bool): Whether to return only when it is stopped, by
                Ctrl-C. Defaults to True.

        Returns:
            str: Its address.

        Raises:
            OSError: if the port is taken.
        """
        theme = self.gradio.themes.Default(font=FONTS, font_mono='monospace')
        _, url, _ = self.blocks.queue().launch(
            server_name=host,
            server_port=port,
            theme=theme,
            footer_links=[],
            share=False,
            max_file_size=MAX_UPLOAD,
            prevent_thread_lock=True,
            quiet=True,
        )
        if wait:
            print(f'{url} (stop with Ctrl-C)', flush=True)
            self.blocks.block_thread()
        return url

    def close(self) -> None:
        """Stop serving, and delete what was written."""
        self.blocks.close()
        self._folder.cleanup()

    def _layout(self, classes: str):
        gr = self.gradio
        with gr.Blocks(
            title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)
        ) as blocks:
            gr.Markdown(f'# {TITLE}\n{HELP}')
            with gr.Row():
                with gr.Column(scale=1):
                    inputs = self._inputs(classes)
                    button = gr.Button(
                        'Recognize', variant='primary', elem_id='recognize'
                    )
                with gr.Column(scale=2):
                    outputs = self._outputs()

            def recognize(*values, progress=gr.Progress(track_tqdm=True)):
                return self.recognize(*values)

            button.click(recognize, inputs, outputs)
        return blocks

    def _inputs(self, classes: str) -> list:
        gr = self.gradio
        return [
            gr.Video(label='Video', sources=['upload'], elem_id='video'),
            gr.Textbox(
                classes,
                label='Classes',
                info='a line each, or one line separated by commas; names '
                'with commas in quotes',
                lines=4,
                elem_id='classes',
            ),
            gr.Slider(
                0,
                1,
                0,
                label='Threshold',
                info='confidence below which it is none of these',
            ),
            gr.Number(
                0,
                label='Window in seconds',
                info='0: the whole video at once',
                minimum=0,
                elem_id='window',
            ),
        ]

    def _outputs(self) -> list:
        gr = self.gradio
        return [
            gr.Markdown(elem_id='summary'),
            gr.Label(label='Confidences', show_heading=False, elem_id='confidences'),
            gr.Image(
                label='Frames',
                type='filepath',
                buttons=['download', 'fullscreen'],
                elem_id='picture',
            ),
            gr.Markdown(elem_id='windows'),
            gr.Video(label='Annotated video', height=400, elem_id='annotated'),
            gr.File(label='As JSON', elem_id='json'),
        ]

    def recognize(
        self,
        video: Optional[str],
        classes: str,
        threshold: float,
        window: Optional[float],
    ) -> tuple:
        """What the button does.

        Args:
            video (str, optional): Path of the uploaded file.
            classes (str): As typed.
            threshold (float): See :meth:`.BIKEInferencer.__call__`.
            window (float, optional): In seconds; 0 for the whole video.

        Returns:
            tuple: Summary, confidences, path of the picture, table of the
            windows, paths of video and JSON; of unfit input nothing but what
            is wrong with it.
        """
        try:
            if not video:
                raise ValueError('Drop a video first.')
            return self._recognize(video, split_names(classes), threshold, window)
        except (OSError, RuntimeError, ValueError) as error:
            summary = f'## Not recognized\n{plain(str(error))}'
            return without_folder(summary, video), *[None] * 5

    def _recognize(
        self, video: str, names: list[str], threshold: float, window: Optional[float]
    ) -> tuple:
        folder = tempfile.mkdtemp(dir=self._folder.name)
        self._folders.append(folder)
        while len(self._folders) > KEPT:
            shutil.rmtree(self._folders.popleft())
        writer = ResultWriter(folder, threshold=threshold, progress=True)
        options: dict[str, Any] = dict(threshold=threshold, progress=True)
        (source,) = self.bike.find(video)
        if window:
            results = self.bike.timeline(source, names, window, **options)
        else:
            results = self.bike(source, names, **options)
        if all(recognition.error for recognition in results):
            raise ValueError(results[0].error)
        for recognition in results:
            recognition.source = osp.basename(video)
        files = writer.write(source, results)
        by_suffix = {osp.splitext(path)[1]: path for path in files}
        confidences = self.gradio.update(
            value=None if window else dict(results[0].predictions), visible=not window
        )
        summary = without_folder(summarize(results), video)
        return (
            summary,
            confidences,
            by_suffix.get('.png'),
            tabulate(results) if window else None,
            by_suffix.get('.mp4'),
            by_suffix['.json'],
        )
