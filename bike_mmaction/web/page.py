"""A web page on one's own machine: drop a video, name classes, look."""

import os
import os.path as osp
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Optional, Union

from ..apis.inference.inferencer import BIKEInferencer
from ..apis.retrieval.search import VideoSearch
from ..video import limit_memory
from .buttons import Buttons
from .fields import say_what_is_refused
from .folders import PageFolder
from .guard import Guard
from .jobs import Jobs
from .layout import Actions, Layout
from .limits import Limits
from .models import PageModels
from .moments import Moments
from .uploads import Uploads
from .visitors import put_back, share_queue, trusting

FILES = files('bike_mmaction.web')  # of this folder, also where it is zipped
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
    """The page around recognizers.

    Args:
        bike (BIKEInferencer | Mapping[str, BIKEInferencer]): Recognizes; with a
            lexicon the page shows attributes too. Of several, by their names,
            visitors choose one.
        classes (Sequence[str]): Names to start with. Defaults to (): a trained
            model is asked for its own classes.
        limits (Limits, optional): What it takes at most. Defaults to None:
            those of :class:`.Limits`.
        allowed_hosts (Sequence[str]): Names by which visitors may open it,
            beside those of the address at which it listens. Defaults to ().
        proxies (Sequence[str]): Addresses of proxies on other machines, which
            are believed whom they speak for. Defaults to ().
        search (VideoSearch, optional): An index that visitors may search, and
            whose videos they may see. Defaults to None.

    Raises:
        ImportError: if Gradio is not installed.
    """

    def __init__(
        self,
        bike: Union[BIKEInferencer, Mapping[str, BIKEInferencer]],
        classes: Sequence[str] = (),
        limits: Optional[Limits] = None,
        allowed_hosts: Sequence[str] = (),
        proxies: Sequence[str] = (),
        search: Optional[VideoSearch] = None,
    ) -> None:
        self.gradio = import_gradio()
        models = bike if isinstance(bike, Mapping) else {'model': bike}
        self._models = PageModels(models, classes, limits or Limits())
        self._limits = self._models.limits
        self._allowed_hosts, self._proxies = allowed_hosts, proxies
        self._folder = PageFolder()
        files, results = (osp.join(self._folder.name, n) for n in ('files', 'results'))
        for folder in (files, results):
            os.mkdir(folder)
        self._uploads = Uploads(files, self._limits.disk)
        # Of this page alone: else it would serve the files of all others.
        self._folder_before = os.environ.get(FOLDER)
        os.environ[FOLDER] = self._uploads.folder
        self._jobs = Jobs(results, self._uploads, self._limits)
        self._moments = None if search is None else Moments(search, self._limits)
        self._buttons = Buttons(
            self.gradio.update, self._models, self._jobs, self._moments
        )
        self.blocks = self._layout()
        say_what_is_refused(self.gradio, self.blocks)

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

        theme = self.gradio.themes.Default(font=FONTS, font_mono='monospace').set(
            block_info_text_color='*neutral_500',
            body_text_color_subdued='*neutral_500',
            layout_gap='12px',
        )
        limits = self._limits
        limit_memory(limits.memory)
        guard = Middleware(
            Guard, host, self._allowed_hosts, self._uploads, limits, self._moments
        )
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
        put_back(FOLDER, self._folder_before)
        self._folder.cleanup()

    def _layout(self) -> Any:
        gr, buttons = self.gradio, self._buttons

        # Gradio shows how far it is where a function has such an argument.
        def recognize(*values: Any, progress: Any = gr.Progress(track_tqdm=True)):
            return buttons.recognize(*values)

        actions = Actions(recognize, buttons.recognize_each)
        if self._moments is None:
            return Layout(gr, self._models, actions)()
        actions = actions._replace(search=buttons.search)
        return Layout(gr, self._models, actions, self._moments.count)()

    def recognize(self, *values: Any, **named: Any) -> tuple:
        """See :meth:`.Buttons.recognize`."""
        return self._buttons.recognize(*values, **named)
