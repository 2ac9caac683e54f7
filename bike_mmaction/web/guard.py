"""What stands before Gradio, and passes on what the page is for."""

import asyncio
from collections.abc import Sequence
from typing import Any, Optional

from .answers import refuse, safely
from .forms import FormError, OneFile
from .limits import Limits
from .moments import Moments
from .rules import FILES, UPLOAD, Rules
from .uploads import DiskFullError, Uploads
from .views import Views
from .visitors import Connections, visitor_of

IDLE_SECONDS = 60.0  # without a byte of what a visitor sends


class Guard:
    """ASGI middleware, which passes on what the page is for.

    Args:
        app: What is behind it.
        host (str): Address at which the server listens.
        allowed (Sequence[str]): Further names of this machine.
        uploads (Uploads): Where files go.
        limits (Limits): Of the page.
        moments (Moments, optional): See :class:`.Views`.
    """

    def __init__(
        self,
        app: Any,
        host: str,
        allowed: Sequence[str],
        uploads: Uploads,
        limits: Limits,
        moments: Optional[Moments] = None,
    ) -> None:
        self._app, self._uploads = app, uploads
        self._rules = Rules(host, allowed, uploads, limits)
        self._connections = Connections(limits)
        self._views = Views(limits, moments)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope['type'] == 'lifespan':
            await self._app(scope, receive, send)
            return
        if scope['type'] != 'http':  # the page has no web sockets
            await send({'type': 'websocket.close', 'code': 1008})
            return
        path = scope['path']
        send = safely(send, path.startswith(FILES))
        visitor = visitor_of(scope.get('client'))
        busy = self._connections.refusal(visitor)
        refusal = (503, busy) if busy else self._rules.refusal(scope)
        if refusal:
            await refuse(receive, send, *refusal)
            return
        with self._connections.of(visitor):
            if path.rstrip('/') == UPLOAD:
                await self._receive_upload(scope, receive, send)
            elif not await self._views(scope, receive, send):
                await self._app(scope, _in_time(receive), send)

    async def _receive_upload(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope['headers'])
        length = int(headers[b'content-length'])
        problem: Optional[Exception] = None
        started = False
        receive_in_time = _in_time(receive)

        async def receive_some() -> Any:
            nonlocal problem
            message = await receive_in_time()
            try:
                content = message.get('body', b'')
                form.add(content)
                self._uploads.add(len(content))
            except (DiskFullError, FormError) as error:
                problem = error
                return {'type': 'http.disconnect'}
            return message

        async def send_some(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            form = OneFile(headers.get(b'content-type', b'').decode('latin-1'))
            with self._uploads.receiving(length, visitor_of(scope.get('client'))):
                await self._app(scope, receive_some, send_some)
        except (DiskFullError, FormError) as error:
            problem = error
        except Exception as error:
            if type(error).__name__ != 'ClientDisconnect':
                raise
        if not started:
            await refuse(receive, send, *_refusal_of(problem))


def _refusal_of(problem: Optional[Exception]) -> tuple[int, str]:
    """Of an upload that was not received."""
    if isinstance(problem, DiskFullError):
        return 507, str(problem)
    if isinstance(problem, FormError):
        return 400, str(problem)
    return 408, 'the upload was not finished'


def _in_time(receive: Any) -> Any:
    """The same way to receive, for as long as something comes."""
    is_whole = False

    async def receive_in_time() -> Any:
        nonlocal is_whole
        if is_whole:  # then it waits for the end of the connection
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), IDLE_SECONDS)
        except asyncio.TimeoutError:
            return {'type': 'http.disconnect'}
        is_whole = not message.get('more_body')
        return message

    return receive_in_time
