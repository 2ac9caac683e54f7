"""A web page on one's own machine: drop a video, name classes, look."""

import os
import os.path as osp
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any, Optional

from ..apis.inference.inferencer import BIKEInferencer
from ..datasets.typed_names import join_names
from ..video import limit_memory
from .folders import PageFolder
from .guard import Guard
from .jobs import Jobs
from .limits import Limits
from .text import plain, summarize, tabulate, without_folder
from .uploads import Uploads
from .visitors import share_queue, trusting

TITLE = 'BIKE: video recognition by video and text'
FILES = files('bike_mmaction.web')  # of this folder, also where it is zipped
HELP = (
    'Drop a video, name the classes it may show, and press *Recognize*. '
    'With a window, the video is recognized piece by piece.'
)
FOLDER = 'GRADIO_TEMP_DIR'  # the variable by which Gradio knows its folder
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
        limits (Limits, optional): What it takes at most. Defaults to None:
            those of :class:`.Limits`.
        allowed_hosts (Sequence[str]): Names by which visitors may open it,
            beside those of the address at which it listens. Defaults to ().
        proxies (Sequence[str]): Addresses of proxies on other machines, which
            are believed whom they speak for. Defaults to ().

    Raises:
        ImportError: if Gradio is not installed.
    """

    def __init__(
        self,
        bike: BIKEInferencer,
        classes: Sequence[str] = (),
        limits: Optional[Limits] = None,
        allowed_hosts: Sequence[str] = (),
        proxies: Sequence[str] = (),
    ) -> None:
        self.gradio = import_gradio()
        self.bike = bike
        limits = limits or Limits()
        # A page that was started with more classes takes them again.
        text = join_names(classes)
        self._limits = replace(
            limits,
            classes=max(limits.classes, len(classes)),
            text=max(limits.text, 2 * len(text)),
        )
        self._allowed_hosts, self._proxies = allowed_hosts, proxies
        self._folder = PageFolder()
        files, results = (osp.join(self._folder.name, n) for n in ('files', 'results'))
        for folder in (files, results):
            os.mkdir(folder)
        self._uploads = Uploads(files, self._limits.disk)
        # Of this page alone: else it would serve the files of all others.
        self._folder_before = os.environ.get(FOLDER)
        os.environ[FOLDER] = self._uploads.folder
        self._jobs = Jobs(bike, results, self._uploads, self._limits)
        self.blocks = self._layout(text)

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
        from starlette.middleware import Middleware

        theme = self.gradio.themes.Default(font=FONTS, font_mono='monospace')
        limits = self._limits
        limit_memory(limits.memory)
        guard = Middleware(Guard, host, self._allowed_hosts, self._uploads, limits)
        queue = self.blocks.queue(
            api_open=False,  # nobody passes the others who wait
            max_size=limits.queue,
            default_concurrency_limit=limits.at_once,
        )
        share_queue(queue._queue, limits)
        with trusting(self._proxies):
            _, url, _ = queue.launch(
                server_name=host,
                server_port=port,
                theme=theme,
                css=FILES.joinpath('page.css').read_text('utf-8'),
                head=f'<script>{FILES.joinpath("page.js").read_text("utf-8")}</script>',
                footer_links=[],
                share=False,
                max_file_size=limits.upload,
                enable_monitoring=False,
                app_kwargs=dict(middleware=[guard]),
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
        limit_memory(None)
        if self._folder_before is None:
            os.environ.pop(FOLDER, None)
        else:
            os.environ[FOLDER] = self._folder_before
        self._folder.cleanup()

    def _layout(self, classes: str):
        gr = self.gradio
        with gr.Blocks(
            title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)
        ) as blocks:
            gr.Markdown(f'# {TITLE}\n{HELP}', elem_id='head')
            with gr.Row(elem_id='desk'):
                with gr.Column(scale=1, min_width=300):
                    inputs = self._inputs(classes)
                    button = gr.Button(
                        'Recognize', variant='primary', elem_id='recognize'
                    )
                with gr.Column(scale=2, min_width=300):
                    outputs = self._outputs()

            def recognize(*values, progress=gr.Progress(track_tqdm=True)):
                return self.recognize(*values)

            button.click(
                recognize,
                inputs,
                outputs,
                scroll_to_output=True,
                show_progress_on=outputs[0],
            )
        return blocks

    def _inputs(self, classes: str) -> list:
        gr = self.gradio
        video = gr.Video(
            label='Video',
            show_label=False,
            sources=['upload'],
            height=180,
            elem_id='video',
        )
        text = gr.Textbox(
            classes,
            label='Classes',
            info='a line each, or separated by commas; names with commas in quotes',
            lines=4,
            max_lines=8,
            elem_id='classes',
        )
        with gr.Row():
            threshold = gr.Number(
                0,
                label='Threshold',
                info='below it: none of these',
                minimum=0,
                maximum=1,
                step=0.05,
                min_width=130,
            )
            window = gr.Number(
                0,
                label='Window in seconds',
                info='0: the whole video',
                minimum=0,
                min_width=130,
                elem_id='window',
            )
        return [_without_addresses(video), text, threshold, window]

    def _outputs(self) -> list:
        """All but the first are there when there is something to show."""
        gr, options = self.gradio, dict(show_label=False, visible=False)
        return [
            gr.Markdown(elem_id='summary'),
            gr.Label(elem_id='confidences', show_heading=False, **options),
            gr.Image(
                type='filepath',
                buttons=['download', 'fullscreen'],
                elem_id='picture',
                **options,
            ),
            gr.Markdown(elem_id='windows', visible=False),
            gr.Video(elem_id='annotated', **options),
            gr.File(elem_id='json', **options),
        ]

    def recognize(
        self,
        video: Optional[str],
        classes: Optional[str],
        threshold: Optional[float],
        window: Optional[float],
    ) -> tuple:
        """What the button does.

        Args:
            video (str, optional): Path of the uploaded file.
            classes (str, optional): As typed.
            threshold (float, optional): See :meth:`.BIKEInferencer.__call__`.
            window (float, optional): In seconds; 0 for the whole video.

        Returns:
            tuple: Summary, confidences, path of the picture, table of the
            windows, paths of video and JSON; of unfit input nothing but what
            is wrong with it.
        """
        try:
            if not video:
                raise ValueError('Drop a video first.')
            results, files = self._jobs.recognize(
                video, classes or '', threshold or 0, window or 0
            )
        except (MemoryError, OSError, RuntimeError, ValueError) as error:
            text = str(error)
            if isinstance(error, MemoryError):
                text = 'its frames need more memory than the page may use'
            summary = f'## Not recognized\n{plain(text)}'
            return without_folder(summary, video), *map(self._shown, [None] * 5)
        return (
            without_folder(summarize(results), video),
            self._shown(None if window else dict(results[0].predictions)),
            self._shown(files.get('.png')),
            self._shown(tabulate(results) if window else None),
            self._shown(files.get('.mp4')),
            self._shown(files['.json']),
        )

    def _shown(self, value: Any) -> Any:
        """A new value of a field, which is not there if it has none."""
        return self.gradio.update(value=value, visible=value is not None)


def _without_addresses(field: Any) -> Any:
    """A field of Gradio, which takes nothing but what was uploaded.

    Else it would fetch from an address that a visitor names. A class of our own
    would do, but for each Gradio writes a file beside this one.
    """
    move_to_cache = field.async_move_resource_to_block_cache

    async def move_file_to_cache(path: Any) -> Any:
        if not osp.isabs(str(path)):
            raise ValueError(f'{str(path)[:100]!r} was not uploaded')
        return await move_to_cache(path)

    field.async_move_resource_to_block_cache = move_file_to_cache
    return field
