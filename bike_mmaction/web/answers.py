"""What the page answers by itself, and what it adds to all answers."""

import asyncio
from contextlib import suppress
from typing import Any

LINGER_SECONDS = 5.0  # for the rest of what is refused
# Nothing is taken for a page that is none; files run no scripts where they are
# opened by themselves.
SAFE = (b'x-content-type-options', b'nosniff'), (b'referrer-policy', b'same-origin')
SAFE_FILE = (
    b'content-security-policy',
    b"sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; "
    b"style-src 'unsafe-inline'",
)


def safely(send: Any, is_file: bool) -> Any:
    """The same way to answer, with headers that make it safe.

    Args:
        send (Callable): Of ASGI.
        is_file (bool): Whether visitors have sent what is answered.
    """
    extra = (*SAFE, SAFE_FILE) if is_file else SAFE

    async def send_safely(message: Any) -> None:
        if message['type'] == 'http.response.start':
            message = {**message, 'headers': [*message.get('headers', ()), *extra]}
        await send(message)

    return send_safely


async def answer(
    send: Any, status: int, content: bytes, kind: str = 'text/plain; charset=utf-8'
) -> None:
    """Answer a request.

    Args:
        send (Callable): Of ASGI.
        status (int): Of HTTP.
        content (bytes): The whole.
        kind (str): Its MIME type. Defaults to text.
    """
    await _start(send, status, content, kind)
    await send({'type': 'http.response.body', 'body': content})


async def refuse(receive: Any, send: Any, status: int, text: str) -> None:
    """Refuse, and let the sender finish a little: else it may not see why."""
    content = text.encode()
    await _start(send, status, content, 'text/plain; charset=utf-8', True)
    await send({'type': 'http.response.body', 'body': content, 'more_body': True})
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_discard(receive), LINGER_SECONDS)
    await send({'type': 'http.response.body', 'body': b''})


async def _start(
    send: Any, status: int, content: bytes, kind: str, is_last: bool = False
) -> None:
    headers = [
        (b'content-type', kind.encode()),
        (b'content-length', str(len(content)).encode()),
    ]
    if is_last:
        headers.append((b'connection', b'close'))
    await send({'type': 'http.response.start', 'status': status, 'headers': headers})


async def _discard(receive: Any) -> None:
    while (await receive()).get('more_body'):
        pass
