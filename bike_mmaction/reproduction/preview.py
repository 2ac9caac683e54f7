"""The plan as a text: what would be run, what it takes, what is missing."""

from collections.abc import Sequence

from .index import Index
from .plan import PlannedRow, Training
from .rows import METRICS, TITLES, log_time
from .settings import encoders

HEAD = ('', 'row', 'views', 'published', "authors' training", 'disk', 'state')
UNKNOWN = 'not known'


def preview(table: str, planned: Sequence[PlannedRow], index: Index) -> str:
    """All rows with their states, and what those that are missing lack."""
    ways: dict[str, list[str]] = {}  # what is missing, by the way to get it
    lines = [list(HEAD)]
    for number, row in enumerate(planned, 1):
        for need in () if row.results else row.missing:
            named = ways.setdefault(need.how, [])
            named += [need.what] if need.what not in named else []
        lines.append(
            [
                str(number),
                row.row.name,
                row.row.views,
                _published(row),
                *_training(row, index),
                _state(row, list(ways)),
            ]
        )
    text = [f'{table}: {TITLES[table]}', _summary(planned), '', *aligned(lines)]
    text += _missing(ways, planned)
    return '\n'.join([*text, *_costs(planned, index)])


def _missing(ways: dict[str, list[str]], planned: Sequence[PlannedRow]) -> list[str]:
    text = ['', 'Missing:'] if ways else []
    for number, (how, named) in enumerate(ways.items(), 1):
        text += [f' [{number}] {what}' for what in named[:1]]
        text += [f'     {what}' for what in named[1:]]
        text.append(f'     -> {how}')
    if any(row.weights.missing and not row.results for row in planned):
        text += [
            '',
            'Checkpoints at hand: --checkpoints NAME=FILE, or a folder '
            'with NAME.pth, where NAME is that of',
            'the config. Such rows are only tested.',
        ]
    return text


def _state(row: PlannedRow, ways: Sequence[str]) -> str:
    """The state of a row, with the numbers of what is missing."""
    if row.results or not row.missing:
        return row.state
    lacking, training = (
        ' '.join(
            f'[{number}]'
            for number in sorted({ways.index(need.how) + 1 for need in needs})
        )
        for needs in (row.lacking, row.weights.missing)
    )
    parts = [f'missing {lacking}'] if lacking else []
    if training and row.weights.trainings:
        name = row.weights.trainings[-1].name
        of_other = f' of {name}' if name != row.row.name else ''
        parts.append(f'no checkpoint{of_other}, to train one {training}')
    elif training:
        parts.append(f'refused {training}')
    return '; '.join(parts)


def _training(row: PlannedRow, index: Index) -> list[str]:
    """Hours and disk of what is still to be trained for it."""
    if row.results or not row.weights.trainings:
        return ['', '']
    last = row.weights.trainings[-1]
    return [log_time(index.entries[last.name]) or UNKNOWN, _size(last.disk)]


def _published(row: PlannedRow) -> str:
    return ', '.join(
        f'{METRICS[figure.metric][0]} {figure}' for figure in row.row.figures
    )


def _summary(planned: Sequence[PlannedRow]) -> str:
    """How many rows are in which state."""
    states = [row.state for row in planned]
    train = sum(s.startswith(('train', 'resume')) for s in states)
    return (
        f'{len(planned)} rows: {states.count("done")} done, '
        f'{states.count("test only")} to be tested only, {train} to be '
        f'trained and tested, {states.count("missing")} with something '
        'missing'
    )


def _costs(planned: Sequence[PlannedRow], index: Index) -> list[str]:
    """Hours and disk of the trainings that can be run, each once."""
    trainings: dict[str, Training] = {
        training.name: training
        for row in planned
        if not row.missing and not row.results
        for training in row.weights.trainings
    }
    if not trainings:
        return []  # nothing to be trained
    times = {name: log_time(index.entries[name]) for name in trainings}
    known = [text.split(' h')[0] for text in times.values() if text]
    sizes = [training.disk for training in trainings.values()]
    lines = [
        '',
        f'To train: {", ".join(trainings)}.',
        _batches(list(trainings.values())),
        f"Hours of the authors' trainings: {_hours(known, len(trainings))}. "
        'Hours of tests: not known.',
        f'Disk for their checkpoints: {_size(sum(filter(None, sizes)))}'
        f'{_unknown(sizes.count(None))}. Sizes of the data sets: not known.',
    ]
    tags = sorted(
        {
            f"'{part['pretrained']}' of {part['arch']}"
            for training in trainings.values()
            for part in encoders(training.config)
            if part['pretrained'] == 'openai'
        }
    )
    if tags:
        lines.append(
            f"Trainings begin with CLIP's weights {', '.join(tags)}: "
            'open_clip downloads them, once.'
        )
    return lines


def _batches(trainings: Sequence[Training]) -> str:
    """Videos a step, by how many the authors had."""
    batches = sorted(
        {(t.config.train_dataloader.batch_size, t.published_batch) for t in trainings}
    )
    return (
        '; '.join(
            f"{own} videos per GPU and step, the authors' total is {total}"
            for own, total in batches
        )
        + '.'
    )


def _hours(known: Sequence[str], count: int) -> str:
    if not known:
        return UNKNOWN
    total = sum(map(float, known))
    return f'{total:g} in all{_unknown(count - len(known))}'


def _unknown(count: int) -> str:
    return f', of {count} not known' if count else ''


def _size(count) -> str:
    """Bytes in words."""
    if count is None:
        return UNKNOWN
    if count < 5e8:
        return f'{count / 1e6:.0f} MB'
    return f'{count / 1e9:.1f} GB'


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    return [
        '  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
        for line in lines
    ]
