"""The fields of the page, in which visitors ask for something."""

import json
import os.path as osp
from typing import Any, NamedTuple

from .models import PageModels, Start

NAMES_INFO = 'a line each, or separated by commas; names with commas in quotes'
NO_SUCH_FILE = 'this page has no such file, or these are no values for its fields'
# What the fields show of another model; what a visitor has typed stays.
CHANGE_MODEL = """(name, typed) => {
  const starts = %s;
  const start = starts[name];
  const isTyped = typed.trim() && !Object.values(starts).some((s) => s.typed === typed);
  const own = { __type__: 'update', value: start.own, label: start.label };
  const threshold = start.others ? start.others_threshold : start.threshold;
  return [own, start.others, isTyped ? typed : start.typed, threshold];
}"""
CHANGE_CLASSES = """(others, name) => {
  const start = (%s)[name];
  return others ? start.others_threshold : start.threshold;
}"""


class Asked(NamedTuple):
    """Fields of what a model is asked for.

    Attributes:
        classes (Textbox): As typed.
        threshold (Number): From 0 to 1.
        window (Number): In seconds.
        others (Checkbox): Whether the typed classes are meant.
        model (Dropdown): Its name.
    """

    classes: Any
    threshold: Any
    window: Any
    others: Any
    model: Any


def video_field(gr: Any) -> Any:
    """One video."""
    field = gr.Video(
        label='Video', show_label=False, sources=['upload'], height=150, elem_id='video'
    )
    return _without_addresses(field)


def videos_field(gr: Any) -> Any:
    """Several videos."""
    field = gr.File(
        label='Videos',
        show_label=False,
        file_count='multiple',
        height=150,
        elem_id='videos',
    )
    return _without_addresses(field)


def asked_fields(gr: Any, models: PageModels) -> Asked:
    """Which model, which classes, and how.

    Where a model has its own classes they are shown, and who wants others types
    them.

    Args:
        gr: Gradio.
        models (PageModels): To choose from.
    """
    starts = {name: models.start(name) for name in models.names}
    first = starts[models.names[0]]
    model = gr.Dropdown(
        models.names,
        value=models.names[0],
        label='Model',
        visible=len(starts) > 1,
        filterable=False,
        elem_id='model',
    )
    own, others, classes = _class_fields(gr, first, models.has_own_classes)
    with gr.Row():
        threshold, window = _numbers(gr, first)
    asked = Asked(classes, threshold, window, others, model)
    _let_follow(asked, own, starts)
    return asked


def _class_fields(gr: Any, start: Start, has_own: bool) -> tuple[Any, Any, Any]:
    own = gr.Textbox(
        start.own,
        label=start.label,
        interactive=False,
        lines=2,
        max_lines=3,
        visible=has_own,
        elem_id='own',
    )
    others = gr.Checkbox(
        start.others, label='Name other classes', visible=has_own, elem_id='others'
    )
    classes = gr.Textbox(
        start.typed,
        label='Classes',
        info=NAMES_INFO,
        placeholder='a dog, playing chess, yoga',
        lines=4,
        max_lines=8,
        elem_id='classes',
    )
    return own, others, classes


def _numbers(gr: Any, start: Start) -> tuple[Any, Any]:
    threshold = gr.Number(
        start.first_threshold,
        label='Threshold',
        info='below it: none of these',
        minimum=0,
        maximum=1,
        step=0.05,
        min_width=130,
        elem_id='threshold',
    )
    window = _window_field(gr, '0: the whole video', 'window')
    return threshold, window


def _window_field(gr: Any, info: str, name: str) -> Any:
    """Seconds; ``info`` says what 0 means."""
    return gr.Number(
        0, label='Window in seconds', info=info, minimum=0, min_width=130, elem_id=name
    )


def _let_follow(asked: Asked, own: Any, starts: dict[str, Start]) -> None:
    """What another model, or other classes, change in the other fields; in the
    browser alone, so that nobody waits for it."""
    # Within a <script>, too.
    known = json.dumps({name: start._asdict() for name, start in starts.items()})
    known = known.replace('<', '\\u003c')
    asked.model.input(
        None,
        [asked.model, asked.classes],
        [own, asked.others, asked.classes, asked.threshold],
        js=CHANGE_MODEL % known,
    )
    asked.others.input(
        None, [asked.others, asked.model], asked.threshold, js=CHANGE_CLASSES % known
    )


def search_fields(gr: Any, most: int) -> tuple[Any, Any, Any]:
    """A text, the number of videos, and the window.

    Args:
        gr: Gradio.
        most (int): Videos at most.
    """
    text = gr.Textbox(
        label='Text', placeholder='a person opens a door', max_lines=1, elem_id='query'
    )
    with gr.Row():
        topk = gr.Number(
            min(10, most),
            label='Videos',
            info='the best ones',
            minimum=1,
            maximum=most,
            precision=0,
            min_width=130,
            elem_id='topk',
        )
        window = _window_field(gr, '0: the length of a clip', 'search_window')
    return text, topk, window


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


def say_what_is_refused(gr: Any, blocks: Any) -> None:
    """Let Gradio give a reason where it refuses the values of fields; else it says
    nothing to visitors, and writes a traceback for each.

    Args:
        gr: Gradio.
        blocks (Blocks): The page; changed.
    """
    preprocess = blocks.preprocess_data

    async def preprocess_or_say(*args: Any, **kwargs: Any) -> Any:
        try:
            return await preprocess(*args, **kwargs)
        except gr.Error:
            raise
        except (gr.exceptions.InvalidPathError, ValueError) as error:
            raise gr.Error(NO_SUCH_FILE, print_exception=False) from error

    blocks.preprocess_data = preprocess_or_say
