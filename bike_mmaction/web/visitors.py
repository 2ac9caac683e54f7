"""What one visitor may take of what all share: the queue and the connections."""

import ipaddress
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

from .limits import Limits

LONGEST_SESSION = 64  # characters; those of browsers have 11
MOST_SESSIONS = 2000  # that are remembered, as Gradio does with their messages
TRUSTED = 'FORWARDED_ALLOW_IPS'  # the variable by which uvicorn knows proxies
THIS_MACHINE = '127.0.0.1,::1'


def visitor_of(client: Any) -> str:
    """Who asks: an address, or the network of one household for IPv6.

    Args:
        client (tuple, optional): Address and port, with those of a trusted
            proxy already replaced by what it names.
    """
    try:
        address = ipaddress.ip_address(client[0].partition('%')[0])
    except (AttributeError, IndexError, TypeError, ValueError):
        return 'unknown'
    mapped = getattr(address, 'ipv4_mapped', None)
    if address.version == 6 and mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(mapped or address)


class Connections:
    """Requests that are being answered, all and of each visitor.

    Args:
        limits (Limits): Of the page.
    """

    def __init__(self, limits: Limits) -> None:
        self._most, self._share = limits.open, limits.of_one(limits.open)
        self._open: Counter[str] = Counter()

    def refusal(self, visitor: str) -> str:
        """Why a visitor may open no more; empty if he may."""
        if self._open[visitor] >= self._share:
            return f'you have {self._share} connections open: close some of them'
        if sum(self._open.values()) >= self._most:
            return 'too many visitors: try again in a minute'
        return ''

    @contextmanager
    def of(self, visitor: str) -> Iterator[None]:
        """While a request is answered."""
        self._open[visitor] += 1
        try:
            yield
        finally:
            self._open[visitor] -= 1
            if not self._open[visitor]:
                del self._open[visitor]


def share_queue(queue: Any, limits: Limits) -> None:
    """Refuse what a visitor asks for while enough of his requests wait.

    Args:
        queue (gradio.queueing.Queue): Of the page.
        limits (Limits): Of the page.
    """
    push, most = queue.push, limits.of_one(limits.queue)

    async def push_some(body: Any, request: Any, username: Any) -> tuple:
        if len(body.session_hash or '') > LONGEST_SESSION:
            return False, 'its session has too long a name', 'error'
        visitor = visitor_of(request.client)
        waiting = sum(
            visitor_of(event.request.client) == visitor
            for events in queue.event_queue_per_concurrency_id.values()
            for event in events.queue
        )
        if waiting >= most:
            text = (
                f'{waiting} of your requests wait already, and one visitor may have '
                f'no more of the {limits.queue} places: try again when one is done'
            )
            return False, text, 'error'
        _forget_sessions(queue)
        return await push(body, request, username)

    queue.push = push_some


def _forget_sessions(queue: Any) -> None:
    """Else each visitor who does not wait for his result stays in memory."""
    sessions, events = queue.pending_event_ids_session, queue.event_ids_to_events
    if len(sessions) > MOST_SESSIONS:
        for name in [n for n, ids in sessions.items() if not ids & events.keys()]:
            del sessions[name]


@contextmanager
def trusting(proxies: Sequence[str]) -> Iterator[None]:
    """While a server starts, which then believes what these say of visitors.

    Those of this machine are always believed.

    Args:
        proxies (Sequence[str]): Addresses or networks.
    """
    if not proxies:
        yield
        return
    before = os.environ.get(TRUSTED)
    os.environ[TRUSTED] = ','.join([before or THIS_MACHINE, *proxies])
    try:
        yield
    finally:
        put_back(TRUSTED, before)


def put_back(variable: str, value: Optional[str]) -> None:
    """A variable of the environment, as it was; None: it was not there."""
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value
