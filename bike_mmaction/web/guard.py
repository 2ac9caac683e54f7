"""Who may ask the page for what: hosts, origins, addresses and sizes.

Gradio serves more than this page needs (it fetches from other addresses, records
screens, edits its own code), and trusts whoever reaches it. A page of another site,
open in a visitor's browser, reaches it too: by a post, or by a name of its own that
it points to this machine (DNS rebinding).
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Optional
from urllib.parse import urlsplit

from .limits import Limits
from .uploads import DiskFullError, Uploads

LOCAL = ('localhost', '127.0.0.1', '::1')
MOST_JSON = 2**20  # bytes of what is no upload
OVERHEAD = 2**16  # bytes of a form around its file
IDLE_SECONDS = 60.0  # without a byte of an upload
LINGER_SECONDS = 5.0  # for the rest of what is refused
API = '/gradio_api/'
UPLOAD = f'{API}upload'
READS = re.compile(
    f'{API}(app_id|call/[^/]+/[^/]+|file=|heartbeat/|info|login_check|openapi.json|'
    'queue/data|startup-events|theme.css|token|upload_progress|user)'
)
WRITES = re.compile(f'{API}(call/[^/]+|cancel|queue/join|reset|upload)/?$')
HOST = re.compile(r'[\w.-]+(:[0-9]+)?|\[[0-9a-f:.]+\](:[0-9]+)?', re.I)
Refusal = Optional[tuple[int, str]]


def names_of(host: str) -> set[str]:
    """Names by which visitors may call this machine.

    Args:
        host (str): Address at which it listens.
    """
    host = host.strip('[]').lower()
    names = {*LOCAL, host}
    if is_everywhere(host):
        own = socket.gethostname().lower()
        names |= {own, f'{own}.local', socket.getfqdn().lower()}
    return names


def is_everywhere(host: str) -> bool:
    """Whether it stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host.strip('[]')).is_unspecified
    except ValueError:
        return False


class Guard:
    """ASGI middleware, which passes on what the page is for.

    Args:
        app: What is behind it.
        host (str): Address at which the server listens.
        allowed (Sequence[str]): Further names of this machine.
        uploads (Uploads): Where files go.
        limits (Limits): Of the page.
    """

    def __init__(
        self,
        app: Any,
        host: str,
        allowed: Sequence[str],
        uploads: Uploads,
        limits: Limits,
    ) -> None:
        self._app, self._uploads, self._limits = app, uploads, limits
        self._allowed = {name.strip('[]').lower() for name in allowed}
        self._names = names_of(host) | self._allowed
        # A rebound name is a name: an address in numbers is always meant.
        self._takes_numbers = is_everywhere(host)
        self._open = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope['type'] == 'lifespan':
            await self._app(scope, receive, send)
            return
        if scope['type'] != 'http':  # the page has no web sockets
            await send({'type': 'websocket.close', 'code': 1008})
            return
        refusal = self._refuse(scope)
        if refusal:
            await _answer(receive, send, *refusal)
            return
        self._open += 1
        try:
            if scope['path'].rstrip('/') == UPLOAD:
                await self._receive_upload(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            self._open -= 1

    def _refuse(self, scope: Any) -> Refusal:
        headers = {
            key.decode('latin-1'): value.decode('latin-1')
            for key, value in scope['headers']
        }
        reads = scope['method'] in ('GET', 'HEAD', 'OPTIONS')
        if self._open >= self._limits.open:
            return 503, 'too many visitors: try again in a minute'
        return (
            self._refuse_host(headers)
            or self._refuse_site(headers, reads)
            or self._refuse_path(scope['path'], reads)
            or (None if reads else self._refuse_size(scope['path'], headers))
        )

    def _refuse_host(self, headers: dict[str, str]) -> Refusal:
        host = headers.get('host', '')
        name, _ = _host_and_port(f'//{host}') if HOST.fullmatch(host) else (host, 0)
        if name in self._names or (self._takes_numbers and _is_number(name)):
            return None
        return 403, (
            f'this page is not known as {name[:100]!r}: open it by the address that '
            'it printed, or start it with --allow-host NAME'
        )

    def _refuse_site(self, headers: dict[str, str], reads: bool) -> Refusal:
        """Requests that pages of other sites make in a visitor's browser."""
        origin = headers.get('origin')
        if origin is None:
            is_foreign = headers.get('sec-fetch-site') in ('cross-site', 'same-site')
            # A link on another page may lead here.
            is_link = reads and headers.get('sec-fetch-mode') == 'navigate'
            is_foreign = is_foreign and not is_link
        else:
            own = _host_and_port(f'//{headers.get("host", "")}', origin)
            is_foreign = _host_and_port(origin) != own
            is_foreign &= _host_and_port(origin)[0] not in self._allowed
        if is_foreign:
            return 403, 'pages of other sites may not use this one'
        return None

    def _refuse_path(self, path: str, reads: bool) -> Refusal:
        allowed = READS if reads else WRITES
        if path.startswith(API) or not reads:
            if not allowed.match(path):
                return 404, 'this page has no such address'
            name = path.partition('/file=')[2]
            if reads and path.startswith(f'{API}file=') and not self._uploads.has(name):
                return 404, 'this page has no such file'
        elif path.startswith(('/monitoring', '/login', '/logout')):
            return 404, 'this page has no such address'
        return None

    def _refuse_size(self, path: str, headers: dict[str, str]) -> Refusal:
        length = headers.get('content-length', '')
        if not length.isdecimal():
            return 411, 'its length must be told'
        if path.rstrip('/') == UPLOAD:
            most = self._limits.upload
            if int(length) > most + OVERHEAD:
                return 413, f'files may have {most / 2**30:.3g} GB at most'
        elif int(length) > MOST_JSON:
            return 413, f'a request may have {MOST_JSON:,} bytes at most'
        return None

    async def _receive_upload(self, scope: Any, receive: Any, send: Any) -> None:
        (length,) = (
            int(value) for key, value in scope['headers'] if key == b'content-length'
        )
        problem: Optional[Exception] = None
        started = False

        async def receive_some() -> Any:
            nonlocal problem
            try:
                message = await asyncio.wait_for(receive(), IDLE_SECONDS)
                self._uploads.add(len(message.get('body', b'')))
            except (asyncio.TimeoutError, DiskFullError) as error:
                problem = error
                return {'type': 'http.disconnect'}
            return message

        async def send_some(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            with self._uploads.receiving(length):
                await self._app(scope, receive_some, send_some)
        except DiskFullError as error:
            problem = error
        except Exception as error:
            if type(error).__name__ != 'ClientDisconnect':
                raise
        if not started and isinstance(problem, DiskFullError):
            await _answer(receive, send, 507, str(problem))
        elif not started:
            await _answer(receive, send, 408, 'the upload was not finished')


def _host_and_port(address: str, like: str = '') -> tuple[str, Optional[int]]:
    """Of a web address; the port is that of its kind, or of that of another."""
    try:
        parts = urlsplit(address)
        kind = parts.scheme or urlsplit(like).scheme
        port = parts.port or {'https': 443, 'http': 80}.get(kind)
        return (parts.hostname or '').rstrip('.'), port
    except ValueError:
        return '', None


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _answer(receive: Any, send: Any, status: int, text: str) -> None:
    """Refuse, and let the sender finish a little: else it may not see why."""
    content = text.encode()
    headers = [
        (b'content-type', b'text/plain; charset=utf-8'),
        (b'content-length', str(len(content)).encode()),
        (b'connection', b'close'),
    ]
    await send({'type': 'http.response.start', 'status': status, 'headers': headers})
    await send({'type': 'http.response.body', 'body': content, 'more_body': True})
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_discard(receive), LINGER_SECONDS)
    await send({'type': 'http.response.body', 'body': b''})


async def _discard(receive: Any) -> None:
    while (await receive()).get('more_body'):
        pass
