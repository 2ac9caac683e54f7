"""Results of labelling: their rows, and what they were made with."""

import os.path as osp
from collections.abc import Sequence
from typing import Any

import av
import torch
from mmaction.models import BaseRecognizer

from ...checkpoint.digest import weights_sha256
from ...datasets.pipeline_access import video_pipeline
from ...datasets.prompts import load_prompts
from ...datasets.result_tables import SEVERAL
from ...datasets.tables import Field, Row
from ...datasets.video_table import VideoTable
from ...datasets.views import views_of
from ...files import file_sha256, sha256
from ...text_files import read_json
from ...version import __version__
from ..inference.inferencer import BIKEInferencer

# Parts of a model's config that do not tell what it computes: files may move,
# and classes, prompt and lexicon are settings of their own.
_ELSEWHERE = ('association', 'class_names', 'num_classes', 'pretrained', 'prompt')
_INPUTS = 20  # to name; a Python list of them may be long
_LABELS = (Field('class'), Field('confidence', 'number'))
_PHRASES = (Field('phrase'), Field('cosine', 'number'))


def result_fields(
    with_windows: bool, with_attributes: bool, with_labels: bool
) -> list[Field]:
    """The columns that labelling adds to those of the input.

    Args:
        with_windows (bool): Whether rows are of windows.
        with_attributes (bool): Whether there are phrases of a lexicon.
        with_labels (bool): Whether a video may have several labels.
    """
    windows = [Field('start', 'number'), Field('end', 'number')] * with_windows
    attributes = [Field('attributes', _PHRASES)] * with_attributes
    return [
        *windows,
        Field('label'),
        Field('confidence', 'number'),
        *[Field(SEVERAL, _LABELS)] * with_labels,
        Field('predictions', _LABELS),
        *attributes,
        Field('warning'),
        Field('error'),
    ]


def kept_names(fields: Sequence[Field], added: Sequence[Field]) -> dict[str, str]:
    """How columns of the input are called in the result.

    As before; those that are called as an added one get 'input_' before it.

    Raises:
        ValueError: if another column has that name already.
    """
    taken = {field.name for field in added}
    names = {f.name: f'input_{f.name}' if f.name in taken else f.name for f in fields}
    for name, kept in names.items():
        if kept != name and kept in names:
            raise ValueError(
                f"the columns '{name}' and '{kept}' of the input would both be "
                f"'{kept}', as '{name}' is a result: rename one"
            )
    return names


def rows_of(record: dict, added: Sequence[Field]) -> list[Row]:
    """The columns that are added for a video: one row, or one for each window."""
    return [_row_of(part, added) for part in record.get('windows', [record])]


def _row_of(record: dict, added: Sequence[Field]) -> Row:
    row: Row = {field.name: record.get(field.name) for field in added}
    for field in added:
        if isinstance(field.kind, tuple) and row[field.name] is not None:
            names = [part.name for part in field.kind]
            row[field.name] = [dict(zip(names, pair)) for pair in row[field.name]]
    if row['predictions']:
        row['confidence'] = row['predictions'][0]['confidence']
    return row


def about_of(out: str) -> str:
    """The file beside a result that says what it was made with."""
    return f'{out}.about.json'


def read_about(out: str) -> dict:
    """What is said of a result.

    Raises:
        FileExistsError: if it is not said, as with a file of another program.
    """
    if not osp.isfile(about_of(out)):
        raise FileExistsError(
            f"'{out}' is there already, but not '{about_of(out)}', which says what it "
            'was made with: choose another file, or write over it with --overwrite'
        )
    return read_json(about_of(out))


def read_settings(out: str) -> dict:
    """What a result was made with; raises as :func:`read_about`."""
    return read_about(out)['settings']


def settings_of(model: BaseRecognizer, table: VideoTable, options: dict) -> dict:
    """All that determines the results, and not where or how fast they are made.

    Args:
        model (BaseRecognizer): For the classes of the job.
        table (VideoTable): The videos.
        options (dict): What else determines them.
    """
    head, association = model.cls_head, getattr(model, 'association', None)
    return dict(
        videos=dict(rows=len(table), files=len(table.paths), sha256=table.sha256),
        classes=list(head.class_names),
        prompt=load_prompts(head.prompt),
        weights=weights_sha256(model),
        model=_without(model.cfg.model.to_dict(), _ELSEWHERE),
        pipeline=[dict(step) for step in video_pipeline(model.cfg)],
        lexicon=None if association is None else _describe_lexicon(association),
        **options,
    )


def _describe_lexicon(association: Any) -> dict:
    head = association.recognizer.cls_head
    return dict(
        phrases=len(head.class_names),
        sha256=sha256('\n'.join(head.class_names)),
        prompt=load_prompts(head.prompt),
        weights=weights_sha256(association),
        topk=association.topk,
    )


def _without(value: Any, keys: Sequence[str]) -> Any:
    """A config without some keys, wherever they are."""
    if isinstance(value, dict):
        return {k: _without(v, keys) for k, v in value.items() if k not in keys}
    if isinstance(value, (list, tuple)):
        return [_without(one, keys) for one in value]
    return value if isinstance(value, (bool, int, float, type(None))) else str(value)


def describe(bike: BIKEInferencer, table: VideoTable) -> dict:
    """What else is worth knowing of a result."""
    return dict(
        config=bike.model.cfg.filename,
        checkpoint=describe_checkpoint(bike.checkpoint),
        views=views_of(video_pipeline(bike.model.cfg)),
        inputs=[_readable(one) for one in table.inputs[:_INPUTS]],
        root=_readable(table.root) or None,
        device=bike.device,
        versions=dict(
            bike_mmaction=__version__, torch=torch.__version__, pyav=av.__version__
        ),
    )


def describe_checkpoint(checkpoint: str) -> dict:
    """Its name, and a digest if it is a file."""
    path = osp.expanduser(checkpoint)
    digest = file_sha256(path) if osp.isfile(path) else None
    return dict(file=checkpoint, sha256=digest)


def _readable(path: str) -> str:
    """A path, with escapes for bytes that are no UTF-8."""
    return path.encode('utf-8', 'backslashreplace').decode()
