"""How the page is laid out."""

from typing import Any, Callable, NamedTuple, Optional

from .fields import Asked, asked_fields, search_fields, video_field, videos_field
from .models import PageModels

TITLE = 'BIKE: video recognition by video and text'
DROP = 'Drop {}{} and press *Recognize*.'
NAME_CLASSES = ', name the classes'
SAY = 'Say what happens: see which of {:,} videos show it, and when.'


class Actions(NamedTuple):
    """What the buttons do with the values of the fields.

    Attributes:
        recognize (Callable): One video.
        recognize_each (Callable): Several videos.
        search (Callable, optional): An index; None if there is none.
    """

    recognize: Callable
    recognize_each: Callable
    search: Optional[Callable] = None


class Layout:
    """Lays out the page.

    Args:
        gradio: The module.
        models (PageModels): To choose from.
        actions (Actions): What the buttons do.
        indexed (int): Videos to search in. Defaults to 0.
    """

    def __init__(
        self, gradio: Any, models: PageModels, actions: Actions, indexed: int = 0
    ) -> None:
        self._gr, self._models = gradio, models
        self._actions, self._indexed = actions, indexed

    def __call__(self) -> Any:
        """The page, as Gradio's ``Blocks``."""
        gr = self._gr
        with gr.Blocks(
            title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)
        ) as blocks:
            gr.Markdown(f'# {TITLE}', elem_id='head')
            with gr.Row(elem_id='desk'):
                with gr.Column(scale=1, min_width=300, elem_id='asked'):
                    with gr.Tabs(overflow_behavior='wrap'):
                        video, videos = self._upload_tabs()
                        searched = self._search_tab()
                    asked, buttons = self._asked()
                with gr.Column(scale=2, min_width=300):
                    answer, answers = self._answer(), self._answers()
                    matches = self._matches()
            actions, window = self._actions, asked.window
            of_each = [field for field in asked if field is not window]
            self._let_do([buttons[0].click], actions.recognize, [video, *asked], answer)
            self._let_do(
                [buttons[1].click], actions.recognize_each, [videos, *of_each], answers
            )
            if searched is not None:
                fields, button = searched
                starts = [button.click, fields[0].submit]
                self._let_do(starts, actions.search, fields, matches)
        return blocks

    def _upload_tabs(self) -> tuple[Any, Any]:
        gr = self._gr
        name = '' if self._models.has_own_classes else NAME_CLASSES
        with gr.Tab('One video', elem_id='one'):
            gr.Markdown(DROP.format('a video', name))
            video = video_field(gr)
        with gr.Tab('Several videos', elem_id='several'):
            gr.Markdown(DROP.format('videos', name))
            videos = videos_field(gr)
        return video, videos

    def _search_tab(self) -> Optional[tuple[list, Any]]:
        """The fields and the button, if there is an index."""
        gr = self._gr
        if self._actions.search is None:
            return None
        with gr.Tab('Search', elem_id='searching'):
            gr.Markdown(SAY.format(self._indexed))
            fields = search_fields(gr, self._models.limits.matches)
            button = gr.Button('Search', variant='primary', elem_id='search')
        return list(fields), button

    def _asked(self) -> tuple[Asked, list]:
        gr = self._gr
        with gr.Column(elem_id='how'):
            asked = asked_fields(gr, self._models)
            buttons = [
                gr.Button('Recognize', variant='primary', elem_id=name)
                for name in ('recognize', 'recognize_each')
            ]
        return asked, buttons

    def _let_do(
        self, starts: list, action: Optional[Callable], inputs: list, outputs: list
    ) -> None:
        # One and several videos take the places of each other, a search does not.
        is_search = action == self._actions.search
        self._gr.on(
            starts,
            action,
            inputs,
            outputs,
            scroll_to_output=True,
            show_progress_on=outputs[0],
            concurrency_id='search' if is_search else 'recognize',
        )

    def _answer(self) -> list:
        """Of one video. All but the first are there when there is something to
        show."""
        gr, options = self._gr, dict(show_label=False, visible=False)
        with gr.Column(elem_id='answer'):
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

    def _answers(self) -> list:
        """Of several videos; likewise."""
        gr = self._gr
        with gr.Column(elem_id='answers'):
            return [
                gr.Markdown(elem_id='progress'),
                gr.HTML(elem_id='table', visible=False, apply_default_css=False),
                gr.File(
                    elem_id='results',
                    show_label=False,
                    visible=False,
                    interactive=False,
                ),
            ]

    def _matches(self) -> list:
        """Of a search; likewise."""
        gr = self._gr
        with gr.Column(elem_id='matching'):
            return [
                gr.Markdown(elem_id='found'),
                gr.HTML(elem_id='matches', visible=False, apply_default_css=False),
            ]
