"""From the files that a test has left to the page."""

import os.path as osp
import time
from typing import NamedTuple, Optional

import numpy as np
import torch

from ..apis import BIKEInferencer
from ..datasets.class_names import load_class_names
from ..evaluation.score_dumps import labels_of, ranking_scores, read_dump
from ..files import file_sha256, source_of, write_text
from ..text_files import PATHS, TextError, read_json, read_lines
from .content import Content, Labelling
from .curves import read_curves
from .measures import Mistake, worst_labels, worst_mistakes
from .page import render
from .strips import Strip, make_strips

MISTAKES = 8
NO_MODEL = 'For their frames, name the model: --config and --checkpoint.'
NO_FILES = 'The scores do not say which files they are of, so that none can be shown.'
REPEATED = (
    'No frames: the list has several parts of the same files, and the scores do not '
    'say which part they are of.'
)


class Inputs(NamedTuple):
    """The files of a test.

    Attributes:
        scores (str): A dump of ``bike test --dump``.
        classes (str, optional): A built-in list of names, or a file of them.
            Defaults to None: those of the model, or else numbers.
        results (str, optional): ``results.json`` of the test.
        log (str, optional): Of the training, see :func:`.find_logs`.
        train_list (str, optional): The list that was trained on.
        title (str, optional): Of the page.
    """

    scores: str
    classes: Optional[str] = None
    results: Optional[str] = None
    log: Optional[str] = None
    train_list: Optional[str] = None
    title: Optional[str] = None


def write_report(
    inputs: Inputs,
    out: str,
    bike: Optional[BIKEInferencer] = None,
    most: int = MISTAKES,
) -> None:
    """Write a page about a test, in one file.

    Args:
        inputs (Inputs): What is known of the test.
        out (str): The HTML file.
        bike (BIKEInferencer, optional): The model, for frames with saliency.
        most (int): Mistakes to show. Defaults to 8.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if files are of another form, or do not fit each other.
    """
    write_text(out, render(gather(inputs, bike, most)))


def gather(
    inputs: Inputs, bike: Optional[BIKEInferencer] = None, most: int = MISTAKES
) -> Content:
    """What the page is made of; see :func:`write_report`."""
    dump = read_dump(inputs.scores)
    scores = ranking_scores(dump)
    labels = labels_of(dump, scores.shape[1])
    names = class_names(inputs, bike, scores.shape[1])
    files = [str(source_of(sample, '')) for sample in dump.samples]
    facts = measured_on(inputs, len(scores))
    labelling = label(bike, scores) if labels.ndim == 2 else None
    if labelling is None:
        mistakes = worst_mistakes(scores, labels, most)
    else:
        mistakes = worst_labels(
            labelling.confidences, labels, labelling.threshold, most
        )
    strips, problem = _strips(bike, mistakes, files, names)
    training = None
    if inputs.train_list:
        training = training_clips(inputs.train_list, len(names), labels.ndim == 1)
    return Content(
        inputs.title or f'Test: {osp.basename(inputs.scores)}',
        facts,
        names,
        scores,
        labels,
        files,
        mistakes,
        strips,
        problem,
        training,
        None if inputs.log is None else read_curves(inputs.log),
        labelling,
    )


def label(bike: Optional[BIKEInferencer], scores: np.ndarray) -> Optional[Labelling]:
    """What a model names by its scores [N, K].

    Returns:
        Labelling | None: None without a model, or if its classes compete.
    """
    if bike is None or bike.head.bias is None:
        return None
    with torch.no_grad():
        ranks = torch.as_tensor(scores, device=bike.head.bias.device)
        confidences = bike.head.confidences(ranks).cpu().numpy()
    return Labelling(confidences, bike.threshold_for(None, None))


def class_names(
    inputs: Inputs, bike: Optional[BIKEInferencer], num_classes: int
) -> list[str]:
    """Names of the classes of the scores.

    Raises:
        ValueError: if there are more or fewer names.
    """
    if inputs.classes is not None:
        names, where = load_class_names(inputs.classes, '--classes'), inputs.classes
    elif bike is not None:
        names, where = list(bike.head.class_names), 'the model'
    else:
        return [f'class {number}' for number in range(num_classes)]
    if len(names) != num_classes:
        raise ValueError(
            f"'{inputs.scores}' has scores of {num_classes} classes, '{where}' has "
            f'{len(names)} names: give the names of the tested classes, --classes FILE'
        )
    return names


def _strips(
    bike: Optional[BIKEInferencer],
    mistakes: list[Mistake],
    files: list[str],
    names: list[str],
) -> tuple[list[Strip], str]:
    """Strips, or why there are none."""
    if bike is None:
        return [], NO_MODEL
    if not all(files):
        return [], NO_FILES
    if len(set(files)) < len(files):
        return [], REPEATED
    return make_strips(bike, mistakes, files, names), ''


def training_clips(path: str, num_classes: int, one_label: bool) -> list[int]:
    """How many clips of each class a list has.

    Args:
        path (str): A list of MMAction2's: the label, or labels, end a line.
        num_classes (int): K.
        one_label (bool): Whether a clip has one.

    Raises:
        OSError: if it cannot be read.
        TextError: if a line does not end with a class number; names it.
    """
    counts = [0] * num_classes
    for number, line in read_lines(path, errors=PATHS):
        labels = _labels(line, one_label)
        if (one_label and not labels) or max(labels, default=0) >= num_classes:
            raise TextError(
                f"'{path}' line {number}: expected a path and a label from 0 to "
                f'{num_classes - 1} at its end'
            )
        for label in set(labels):
            counts[label] += 1
    return counts


def _labels(line: str, one_label: bool) -> list[int]:
    words = (line.split('\t') if '\t' in line else line.split())[1:]
    labels: list[int] = []
    for word in reversed(words):
        if not word.isdecimal():
            break
        labels.append(int(word))
    return labels[:1] if one_label else labels


def measured_on(inputs: Inputs, videos: int) -> list[tuple[str, str]]:
    """Lines about list, weights and date.

    Raises:
        ValueError: if ``results.json`` is of another form, or of another
            number of videos than the scores.
    """
    made = time.strftime('%Y-%m-%d %H:%M', time.localtime(osp.getmtime(inputs.scores)))
    facts = [('videos', str(videos))]
    if inputs.results is not None:
        facts += _of_results(inputs.results, inputs.scores, videos)
    return [
        *facts,
        ('scores', f'{inputs.scores} (SHA-256 {file_sha256(inputs.scores)[:12]})'),
        ('tested', made),
    ]


def _of_results(path: str, scores: str, videos: int) -> list[tuple[str, str]]:
    results = read_json(path)
    try:
        listed, counts = results['list'], results['videos']
        evaluated = counts['evaluated']
        facts = [
            ('list', f'{listed["file"]} ({listed["videos"]} videos)'),
            ('fingerprint of the list', str(listed['fingerprint'])),
        ]
        bad = [f'{counts[key]} {key}' for key in counts if key != 'evaluated']
        checkpoint = results.get('checkpoint') or {}
        weights = str(checkpoint.get('file') or results['model'].get('pretrained'))
        digest = checkpoint.get('sha256')
        versions = results.get('versions') or {}
        more = [
            ('not sound', ', '.join(bad)),
            ('config', str(results.get('config') or '')),
            ('weights', weights + (f' (SHA-256 {digest[:12]})' if digest else '')),
            ('views', str(results.get('views') or '')),
            ('versions', ', '.join(f'{k} {v}' for k, v in versions.items())),
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"'{path}' is no results.json of a test: {type(error).__name__}: {error}"
        ) from None
    if evaluated != videos:
        raise ValueError(
            f"'{path}' is of another test than '{scores}': {evaluated} videos were "
            f'evaluated, and there are scores of {videos}'
        )
    return facts + [fact for fact in more if fact[1]]
