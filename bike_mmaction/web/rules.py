"""Who may ask the page for what: hosts, origins, addresses and sizes.

Gradio serves more than this page needs (it fetches from other addresses, records
screens, edits its own code), and trusts whoever reaches it. A page of another site,
open in a visitor's browser, reaches it too: by a post, or by a name of its own that
it points to this machine (DNS rebinding).
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Any, Optional
from urllib.parse import urlsplit

from .limits import Limits
from .uploads import Uploads

LOCAL = ('localhost', '127.0.0.1', '::1')
MOST_JSON = 2**20  # bytes of what is no upload
MOST_ADDRESS = 2**12  # bytes of an address
OVERHEAD = 2**16  # bytes of a form around its file
API = '/gradio_api/'
UPLOAD = f'{API}upload'
PREVIEW = f'{API}preview='
UPLOADED = f'{API}file=', PREVIEW
MOMENT, INDEXED = f'{API}moment=', f'{API}indexed='  # by the keys of Moments
FILES = *UPLOADED, MOMENT, INDEXED
READS = re.compile(
    f'{API}(app_id|call/[^/]+/[^/]+|file=.+|heartbeat/[^/]+|indexed=\\w+|info|'
    'login_check|moment=\\w+|openapi.json|preview=.+|queue/data|startup-events|'
    'theme.css|token|upload_progress|user)/?'
    '|/(assets/.+|config|favicon.ico|manifest.json|robots.txt|static/.+|theme.css)?/?',
    re.S,
)
WRITES = re.compile(f'{API}(call/[^/]+|cancel|queue/join|reset|upload)/?')
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


class Rules:
    """What is refused before it is looked into.

    Args:
        host (str): Address at which the server listens.
        allowed (Sequence[str]): Further names of this machine.
        uploads (Uploads): Where files go.
        limits (Limits): Of the page.
    """

    def __init__(
        self, host: str, allowed: Sequence[str], uploads: Uploads, limits: Limits
    ) -> None:
        self._uploads, self._limits = uploads, limits
        self._allowed = {name.strip('[]').lower() for name in allowed}
        self._names = names_of(host) | self._allowed
        # A rebound name is a name: an address in numbers is always meant.
        self._takes_numbers = is_everywhere(host)

    def refusal(self, scope: Any) -> Refusal:
        """Status and reason why a request is not taken, or None."""
        headers = {
            key.decode('latin-1'): value.decode('latin-1')
            for key, value in scope['headers']
        }
        reads = scope['method'] in ('GET', 'HEAD', 'OPTIONS')
        return (
            self._refuse_host(headers)
            or self._refuse_site(headers, reads)
            or self._refuse_path(scope, reads)
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

    def _refuse_path(self, scope: Any, reads: bool) -> Refusal:
        path = scope['path']
        length = len(scope.get('raw_path') or path) + len(scope['query_string'])
        if length > MOST_ADDRESS:
            return 414, 'this page has no address so long'
        allowed = READS if reads else WRITES
        if not allowed.fullmatch(path):
            return 404, 'this page has no such address'
        if path.startswith(UPLOADED) and not self._uploads.has(path.partition('=')[2]):
            return 404, 'this page has no such file'
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
