"""What a step of training, or a test, takes against the bare image tower."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Optional

import torch
import torch.nn as nn

from ..apis.building import quiet_logger
from ..terminal import printable
from .counting import (
    COUNTS,
    as_defined,
    count_operations,
    peak_memory,
    peak_of_device,
    synchronisations,
    used_memory,
)
from .measuring import Report, Spread, Times, by_turns, seconds
from .models import Subject
from .peers import PeerConfig, make_part

Part = Callable[[], None]
OURS, COMPILED, TOWER = 'BIKE', 'BIKE compiled', 'bare image tower'
_PLACES = 4  # where the host waits, that are said


class Entrant(NamedTuple):
    """One of the parts that take turns.

    Attributes:
        part (Callable): A step, or a prediction, of one batch.
        operations (int, optional): Floating-point operations of the models as they
            are defined, if they can be counted.
        computed (int, optional): Those that it computes: fewer where a tower needs
            its class token alone, more where activations are recomputed.
        figures (dict): What was found when it ran for the first times: seconds of
            the first, and on a GPU peak memory and synchronisations.
    """

    part: Part
    operations: Optional[int]
    computed: Optional[int]
    figures: dict[str, Any]


def benchmark_steps(
    subject: Subject,
    what: str,
    name: str,
    report: Report,
    repeats: int,
    limit: float = math.inf,
    compiled: bool = False,
    peers: Sequence[PeerConfig] = (),
) -> None:
    """Steps or predictions by turns, of the recognizer, the bare tower and peers.

    Args:
        subject (Subject): Recognizer, batch and tower.
        what (str): 'train' or 'test'.
        name (str): For the report.
        report (Report): Takes the figures, a row for each entrant.
        repeats (int): Rounds.
        limit (float): Seconds for the rounds, see :func:`.by_turns`.
        compiled (bool): Whether the recognizer also runs with its tower compiled.
            Defaults to False.
        peers (Sequence[PeerConfig]): Other models, for the same batch. Defaults to
            none.
    """
    training = what == 'train'

    def try_to_enter(key: str, make: Callable[[], Part], **options: Any) -> None:
        try:
            with quiet_logger():
                part = make()
            entrants[key] = enter(part, device=subject.device, **options)
        except Exception as error:  # whatever compilers and other models say
            text = printable(error, True)
            report.add(f'{name}, {key}', does_not_run_here=text)

    with quiet_logger():
        ours = subject.make_step() if training else subject.predict
    entrants = {OURS: enter(ours, subject.before, subject.device, subject.model)}
    if compiled:
        known = dict(before=subject.before, like=entrants[OURS])
        try_to_enter(COMPILED, partial(subject.compiled, ours), **known)
    bare = subject.tower_step if training else subject.tower_forward
    entrants[TOWER] = enter(bare, used_memory(), subject.device)
    for peer in peers:
        make = partial(make_part, peer, subject, training)
        try_to_enter(peer.name, make, before=used_memory())
    parts = {key: entrant.part for key, entrant in entrants.items()}
    times = by_turns(parts, repeats, 0, limit)  # they have run before
    for key, entrant in entrants.items():
        report.add(f'{name}, {key}', **figures_of(subject, entrant, times, key))


def enter(
    part: Part,
    before: int,
    device: torch.device,
    model: Optional[nn.Module] = None,
    like: Optional[Entrant] = None,
) -> Entrant:
    """Run a part for the first times.

    Args:
        part (Callable): See :class:`Entrant`.
        before (int): Bytes of the GPU that others take.
        device (torch.device): On which it computes.
        model (nn.Module, optional): That may compute less or more than its definition.
            Defaults to None: what is computed is the definition.
        like (Entrant, optional): One with the same operations, for code that cannot
            be counted, because it is compiled. Defaults to None: count.
    """
    figures: dict[str, Any] = dict(seconds_of_the_first_batch=seconds(part)[0])
    operations = computed = None
    if like is not None:
        operations, computed = like.operations, like.computed
    elif COUNTS:  # not of the first, which embeds the classes
        operations = computed = count_operations(part)
        if model is not None:
            operations = _operations_of_the_definition(part, model)
    if device.type == 'cuda':
        figures['peak_memory_GiB'] = peak_memory(part, before)
        places = synchronisations(part)
        figures['synchronisations'] = sum(places.values())
        if places:
            most = places.most_common(_PLACES)
            figures['most_of_them'] = ', '.join(f'{n} at {key}' for key, n in most)
    return Entrant(part, operations, computed, figures)


def _operations_of_the_definition(part: Part, model: nn.Module) -> Optional[int]:
    """None if there is no memory for it, as where activations are recomputed."""
    try:
        with as_defined(model):
            return count_operations(part)
    except torch.cuda.OutOfMemoryError:
        return None


def figures_of(
    subject: Subject, entrant: Entrant, times: Mapping[str, Times], key: str
) -> dict[str, Any]:
    """What the report says of one of the entrants.

    Args:
        subject (Subject): Recognizer, batch and tower.
        entrant (Entrant): The one.
        times (Mapping[str, Times]): Of all.
        key (str): Of the one.
    """
    spent = times[key]
    figures: dict[str, Any] = dict(
        a_batch=Spread.of(1000 * spent.clock, 'ms'),
        videos_per_second=Spread.of(subject.videos / spent.clock),
    )
    for other, text in ((TOWER, 'ratio_to_the_bare_tower'), (OURS, 'ratio_to_BIKE')):
        if key == other:
            continue
        figures[text] = Spread.of(spent.clock / times[other].clock)
        if subject.device.type == 'cpu':  # where others may have work, too
            ratio = spent.processor / times[other].processor
            figures[f'{text}_of_processor_time'] = Spread.of(ratio)
    if entrant.operations is not None and entrant.computed is not None:
        figures['TFLOPs_a_batch'] = entrant.operations / 1e12
        if subject.device.type == 'cuda' and subject.dtype is not None:
            peak = peak_of_device(subject.device)
            if peak is not None:
                share = figures['TFLOPs_a_batch'] / spent.clock / peak
                figures['MFU'] = Spread.of(share)
                if entrant.computed != entrant.operations:
                    done = entrant.computed / entrant.operations
                    figures['HFU'] = Spread.of(done * share)
    return dict(figures, **entrant.figures)
