"""Which process of a run hangs, told within a minute.

The processes of a run wait for each other, and say nothing of it. So each of
them tells every few seconds that it is there and what it does, through the
store by which torch's processes find each other. One of them, the first that
is there, warns of those that are not heard of, and of those that do not go on
while others wait.

A warning ends nothing: who is slow, may go on. What ends a run is the time
limit of torch's process group, ``env_cfg.dist_cfg.timeout``.
"""

import atexit
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import NamedTuple, Optional

PATIENCE = 50.0  # seconds, so that a message is there within a minute
_TIMES = 10  # that each process tells in this time
_KEY = 'bike_mmaction/rank/'
_LIMIT = 'the run ends when env_cfg.dist_cfg.timeout (seconds) is over'


class Word(NamedTuple):
    """What a process tells of itself.

    Attributes:
        beat (int): How many times it has told something.
        step (int): Grows with each thing that it begins to do.
        doing (str): What that is, such as 'computing batch 3 of epoch 1'.
        waits, ended (bool): Whether it has done its part; whether it is through.
        name (str): Its rank, machine and number.
    """

    beat: int = 0
    step: int = 0
    doing: str = 'starting'
    waits: bool = False
    ended: bool = False
    name: str = ''


@dataclass
class Seen:
    """What is known of a process, and since when (seconds, of this machine)."""

    heard: float
    moved: float
    word: Word


@dataclass
class Judge:
    """Says which processes are silent, or do not go on.

    Args:
        patience (float): Seconds until that is said.
    """

    patience: float = PATIENCE
    seen: dict[int, Seen] = field(default_factory=dict)
    # Of each process that was warned of: after how many seconds, and of what.
    told: dict[tuple[int, str], float] = field(default_factory=dict)
    slow: float = 0.0  # seconds, that a process took which went on after all

    def expect(self, rank: int, now: float) -> None:
        """From now on a process is to be heard of."""
        unknown = Word(doing='before its start', name=f'rank {rank}')
        self.seen.setdefault(rank, Seen(now, now, unknown))

    def hear(self, rank: int, word: Word, now: float) -> None:
        """Note what a process has told."""
        self.expect(rank, now)
        seen = self.seen[rank]
        if word.beat != seen.word.beat:
            seen.heard = now
        if word.step != seen.word.step:
            seen.moved = now
        seen.word = word

    def is_there(self, rank: int, now: float) -> bool:
        """Whether a process has been heard of lately."""
        seen = self.seen.get(rank)
        return seen is None or (
            not seen.word.ended and now - seen.heard < self.patience
        )

    def messages(self, now: float) -> list[str]:
        """What is to be said now, that was not said before.

        It is said again after twice the time, and after twice that.
        """
        unheard = {
            rank: now - seen.heard
            for rank, seen in self.seen.items()
            if not seen.word.ended
        }
        silent = {rank: s for rank, s in unheard.items() if s >= self.patience}
        said = [*self._go_on('silent', silent)]
        if self._is_new('silent', silent):
            said += [
                f'{self.seen[rank].word.name}, last seen {self.seen[rank].word.doing}, '
                'has not been heard of for '
                f'{seconds:.0f} s: it is stopped, or its machine does not answer. '
                f'The others wait for it; {_LIMIT}'
                for rank, seconds in silent.items()
            ]
        # Who waits for a silent one does not go on for its sake.
        if max(unheard.values(), default=0.0) < 3 * self.patience / _TIMES:
            stuck = self._stuck(now)
            said += self._go_on('stuck', stuck)
            if self._is_new('stuck', stuck):
                said += self._say_stuck(stuck)
        return said

    def _stuck(self, now: float) -> dict[int, float]:
        """Those that the others wait for, with the seconds that it has lasted."""
        there = {r: s for r, s in self.seen.items() if not s.word.ended}
        working = {r: s for r, s in there.items() if not s.word.waits} or there
        behind = min((s.word.step for s in working.values()), default=0)
        last = {r: now - s.moved for r, s in working.items() if s.word.step == behind}
        patience = max(self.patience, 2 * self.slow)
        return {} if min(last.values(), default=0.0) < patience else last

    def _is_new(self, kind: str, those: dict[int, float]) -> bool:
        if all(s < 2 * self.told.get((r, kind), 0.0) for r, s in those.items()):
            return False
        self.told.update({(rank, kind): s for rank, s in those.items()})
        return True

    def _go_on(self, kind: str, those: dict[int, float]) -> Iterator[str]:
        """Of those that were warned of, who is heard of or goes on again."""
        for rank, of in [key for key in self.told if key[1] == kind]:
            if rank in those:
                continue
            seconds = self.told.pop((rank, of))
            word = self.seen[rank].word
            if kind == 'stuck':
                self.slow = max(self.slow, seconds)
            if not word.ended:
                yield f'{word.name} goes on: it is {word.doing}'

    def _say_stuck(self, stuck: dict[int, float]) -> list[str]:
        seconds = min(stuck.values())
        words = [self.seen[rank].word for rank in stuck]
        if len(stuck) == len(self.seen):
            return [
                f'none of the {len(stuck)} processes has gone on for {seconds:.0f} s, '
                f'since {words[0].doing}: they are slow, or wait for each other; '
                f'{_LIMIT}'
            ]
        return [
            f'{word.name} has been {word.doing} for {seconds:.0f} s, and the others '
            'wait for it: it is slow, or its files or its GPU do not answer; '
            f'{_LIMIT}'
            for word in words
        ]


class Watch:
    """Tells what this process does, and watches the others.

    Args:
        patience (float): Seconds until a process that hangs is told of.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.rank = int(os.environ['RANK'])
        self.size = int(os.environ['WORLD_SIZE'])
        machine = f'{socket.gethostname()}, process {os.getpid()}'
        self.word = Word(name=f'rank {self.rank} ({machine})')
        self.patience, self.judge = patience, Judge(patience)
        self.trouble: list[str] = []  # the last that was said
        self._answered = time.monotonic()
        self._warned = patience  # seconds that the store did not answer
        self._end = threading.Event()
        # The store may hang as well: one thread talks, another looks at a clock.
        self._talker, watcher = (
            threading.Thread(target=job, daemon=True)
            for job in (self._talk, self._watch)
        )
        self._talker.start()
        watcher.start()

    def note(self, doing: str, waits: bool = False) -> None:
        """Note what this process begins to do."""
        step = self.word.step + 1
        self.word = self.word._replace(step=step, doing=doing, waits=waits)

    def end(self) -> None:  # of this process, which the others are told
        self.word = self.word._replace(ended=True)
        self._end.set()
        self._talker.join(2)

    def _talk(self) -> None:
        from torch.distributed import TCPStore

        try:
            # of its own: a wait in that of the process group would block it
            store = TCPStore(
                os.environ['MASTER_ADDR'],
                int(os.environ['MASTER_PORT']),
                is_master=False,
                wait_for_workers=False,
                timeout=timedelta(seconds=max(10 * self.patience, 60)),
            )
            for beat in count(1):
                word = self.word._replace(beat=beat)
                self.judge.hear(self.rank, word, time.monotonic())
                store.set(f'{_KEY}{self.rank}', json.dumps(word))
                if self._end.is_set():
                    return
                self._ask(store)
                self._answered = time.monotonic()
                self._end.wait(self.patience / _TIMES)
        except RuntimeError:  # the connection is lost, which the clock tells
            return

    def _ask(self, store) -> None:
        now = time.monotonic()
        for rank in self._asked(now):
            self.judge.expect(rank, now)
            # With empty texts it is a get() that does not wait for the key.
            text = store.compare_set(f'{_KEY}{rank}', '', '')
            if text:
                self.judge.hear(rank, Word(*json.loads(text)), time.monotonic())

    def _asked(self, now: float) -> Iterator[int]:
        """The first that is there; all, if that is this process."""
        for rank in range(self.rank):
            yield rank
            if self.judge.is_there(rank, now):
                return
        yield from range(self.rank + 1, self.size)

    def _watch(self) -> None:
        while not self._end.wait(self.patience / _TIMES):
            now = time.monotonic()
            unanswered = now - self._answered
            if unanswered >= self._warned:
                self._warned = 2 * unanswered
                self._say(
                    f'{self.word.name} has no answer from '
                    f'{os.environ["MASTER_ADDR"]}:{os.environ["MASTER_PORT"]} for '
                    f'{unanswered:.0f} s, where the processes meet: the first '
                    f'process, or its machine, is stopped; {_LIMIT}'
                )
            elif not any(self.judge.is_there(rank, now) for rank in range(self.rank)):
                for message in self.judge.messages(now):
                    self._say(message)

    def _say(self, message: str) -> None:
        from mmengine.logging import print_log

        self.trouble = [message]
        if self.rank == 0:
            print_log(message, 'current', logging.WARNING)
        else:  # whose log has only errors
            print(f'warning: {message}', file=sys.stderr, flush=True)


_WATCH: list[Watch] = []  # of this process, if it is one of several


def start_watch(patience: Optional[float] = PATIENCE) -> None:
    """Begin to watch; what a launcher sets in the environment is known.

    Args:
        patience (float, optional): See :class:`Watch`. None or 0: never.
    """
    if _WATCH or not patience or int(os.environ['WORLD_SIZE']) < 2:
        return
    _WATCH.append(Watch(patience))
    atexit.register(_WATCH[0].end)


def note(doing: str, waits: bool = False) -> None:
    """Note what this process begins to do, if it is one of several.

    Args:
        doing (str): Such as 'computing batch 3 of epoch 1'.
        waits (bool): Whether that is to wait for the others. Defaults to
            False.
    """
    if _WATCH:
        _WATCH[0].note(doing, waits)


def last_trouble() -> str:
    """What was last said of other processes; '' if nothing."""
    return _WATCH[0].trouble[-1] if _WATCH and _WATCH[0].trouble else ''
