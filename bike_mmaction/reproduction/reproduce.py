"""Reproduce a table of the paper: plan it, run what can be run, write it."""

import time
from collections.abc import Iterator, Sequence

from ..terminal import clock, say
from .index import Index
from .plan import PlannedRow, Planner
from .preview import preview
from .report import report, write_report
from .rows import Row, log_time
from .running import StepFailed, only_one, test, train
from .settings import Settings


def reproduce(
    table: str, index: Index, rows: Sequence[Row], settings: Settings
) -> bool:
    """Run all rows that can be run, and write the table after each of them.

    What is finished is not run again, a half-trained row goes on.

    Args:
        table (str): Its name.
        index (Index): Of the models.
        rows (Sequence[Row]): Of the table.
        settings (Settings): Of the user.

    Returns:
        bool: Whether all rows are done.

    Raises:
        RuntimeError: if another run works in the same folder.
        ValueError: if an option does not fit a config.
    """
    planner = Planner(index, rows, settings)
    failures: dict[str, str] = {}
    planned = planner.plan()
    say(preview(table, planned, index), flush=True)
    with only_one(settings.work_dir) as lock:
        text = _write(table, planned, failures, settings)
        for row in _runs(planner, planned, failures):
            try:
                _run(row, settings, failures, lock)
            except StepFailed as error:
                failures[row.folder] = str(error)
                say(f'   failed: {error}', flush=True)
            planned = planner.plan()
            text = _write(table, planned, failures, settings)
    if failures or any(row.results for row in planned):
        say(f'\n{text}')
    else:
        say('\nNo row can be run yet.')
    say(f'\nWritten to {settings.work_dir}/{table}.md, .json and .tex')
    return all(row.results for row in planned)


def _write(
    table: str,
    planned: Sequence[PlannedRow],
    failures: dict[str, str],
    settings: Settings,
) -> str:
    return write_report(table, report(planned, failures, settings), settings.work_dir)


def _runs(
    planner: Planner, planned: Sequence[PlannedRow], failures: dict[str, str]
) -> Iterator[PlannedRow]:
    """The rows to be run, each as things are when it is its turn.

    Several rows may be of one test, such as figures of two publications.
    """
    started = time.monotonic()
    for number, row in enumerate(planned, 1):
        row = planner.plan()[number - 1]
        if row.results or row.missing or row.folder in failures:
            continue
        say(
            f'\n== row {number} of {len(planned)}: {row.row.name}, '
            f'{row.row.views}: {_work(row, planner.index)} (after '
            f'{clock(time.monotonic() - started)})',
            flush=True,
        )
        yield row


def _work(row: PlannedRow, index: Index) -> str:
    """What is to be done, with the hours that it took the authors."""
    steps = []
    for training in row.weights.trainings:
        epoch = f' from epoch {training.begun}' if training.begun else ''
        hours = log_time(index.entries[training.name]) or 'not known'
        steps.append(f"training {training.name}{epoch}, authors' time: {hours}")
    return '; then '.join([*steps, 'testing'])


def _run(
    row: PlannedRow, settings: Settings, failures: dict[str, str], lock: int
) -> None:
    """Train what is to be trained before, then test.

    Raises:
        StepFailed: if a step ends with an error, or a training has before.
    """
    for training in row.weights.trainings:
        if training.folder in failures:
            raise StepFailed(f'training {training.name}: {failures[training.folder]}')
        try:
            train(training, settings, lock)
        except StepFailed as error:
            failures[training.folder] = str(error)
            raise StepFailed(f'training {training.name}: {error}') from error
    test(row, settings, lock)
