"""A hub of Hugging Face on this machine, as its own client calls it.

Repositories are dictionaries of files. What ends as weights do is kept apart,
as the real one does it: a HEAD or GET is sent on to another address, and
uploads go through the batches of Git LFS. Nothing leaves this machine.
"""

import hashlib
import json
import sys
import threading
from contextlib import ExitStack, contextmanager
from http.server import ThreadingHTTPServer
from unittest import mock

from tests.kit import hub_protocol
from tests.kit.hub_protocol import MAIN, TOKEN


class Repo:
    """Files of a repository: those of each branch, and of each commit.

    Attributes:
        branches (dict[str, str]): The commit of each branch.
        commits (dict[str, dict[str, bytes]]): The files of each commit.
        messages (list[str]): Of the commits, in their order.
        private (bool): Whether nobody reads it without ``TOKEN``.
        gated (bool): Whether nobody reads it at all, for want of a consent.
        answers (dict[str, Callable]): By the name of a file, what is sent in
            place of its content, of which size and digest are told.
    """

    def __init__(self, files, private=False, gated=False):
        self.branches, self.commits, self.messages = {}, {}, []
        self.private, self.gated, self.answers = private, gated, {}
        self.commit(files, MAIN, 'initial commit')

    def commit(self, files, branch, message):
        """Let these be all files of a branch: the name of the commit."""
        self.messages.append(message)
        content = [(name, hashlib.sha1(files[name]).hexdigest()) for name in files]
        told = json.dumps([branch, message, len(self.messages), sorted(content)])
        name = hashlib.sha1(told.encode()).hexdigest()
        self.commits[name], self.branches[branch] = dict(files), name
        return name

    def at(self, revision):
        """The commit that a branch or the name of a commit means, or None."""
        name = self.branches.get(revision, revision)
        return name if name in self.commits else None

    @property
    def files(self):
        """Of the main branch."""
        return self.commits[self.branches[MAIN]]


class Hub:
    """A hub that answers until the end of a ``with`` block.

    Attributes:
        url (str): Its address.
        repos (dict[str, Repo]): By their names, such as 'org/name'.
        requests (list[tuple[str, str]]): Method and path of all that came.
    """

    def __init__(self):
        self.repos, self.requests, self.uploads = {}, [], {}
        handler = type('Handler', (hub_protocol.Handler,), dict(hub=self))
        self._server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self._server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self._server.server_port}'
        # The same place as another one: the client sends no token there.
        self.elsewhere = f'http://localhost:{self._server.server_port}'

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()

    def add(self, name, files, **options):
        """A new repository of these files, of which texts may be ``str``.

        Args:
            name (str): Such as 'org/name'.
            files (dict[str, str | bytes]): By their paths.
            **options: Of :class:`Repo`.
        """
        files = {
            path: content.encode() if isinstance(content, str) else content
            for path, content in files.items()
        }
        self.repos[name] = Repo(files, **options)
        return self.repos[name]

    def add_folder(self, name, folder, **options):
        """A new repository of the files below a folder."""
        paths = [path for path in folder.rglob('*') if path.is_file()]
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in paths
        }
        return self.add(name, files, **options)

    def variables(self, folder):
        """Of the environment of a fresh process that calls this hub.

        Args:
            folder (str | Path): For its downloads.
        """
        return dict(
            HF_ENDPOINT=self.url,
            HF_HOME=str(folder),
            HF_HUB_CACHE=f'{folder}/hub',
            HF_HUB_OFFLINE='0',
            HF_HUB_DISABLE_XET='1',
            HF_HUB_DISABLE_PROGRESS_BARS='1',
            HF_TOKEN=TOKEN,
        )


@contextmanager
def calling(url, folder, token=TOKEN, offline=False):
    """While this is entered, this process calls the hub of this address.

    Its client reads its settings when it is imported, which open_clip does.

    Args:
        url (str): Of a :class:`Hub`.
        folder (str | Path): For downloads.
        token (str): Which the client has; '' for none. Defaults to ``TOKEN``.
        offline (bool): Whether it uses its cache alone. Defaults to False.
    """
    from huggingface_hub import constants

    new = dict(
        ENDPOINT=url,
        HUGGINGFACE_CO_URL_TEMPLATE=url + '/{repo_id}/resolve/{revision}/{filename}',
        HF_HUB_CACHE=f'{folder}/hub',
        HF_HUB_OFFLINE=offline,
        HF_HUB_DISABLE_XET=True,
        HF_HUB_DISABLE_PROGRESS_BARS=True,
    )
    token = dict(HF_TOKEN=token, HUGGING_FACE_HUB_TOKEN=token)
    _forget_sessions()
    try:
        with ExitStack() as stack:
            for module in [constants, *_modules_of(constants)]:
                known = {name: v for name, v in new.items() if hasattr(module, name)}
                if known:
                    stack.enter_context(mock.patch.multiple(module, **known))
            stack.enter_context(mock.patch.dict('os.environ', token))
            yield
    finally:
        _forget_sessions()


def _modules_of(constants):
    """Modules of older versions of the client have copies of its settings."""
    package = constants.__name__.partition('.')[0]
    return [
        module
        for name, module in sys.modules.items()
        if name.startswith(f'{package}.')
        and module is not constants
        # others, which import more when they are looked into, are left alone
        and 'HUGGINGFACE_CO_URL_TEMPLATE' in vars(module)
    ]


def _forget_sessions():
    """Older versions of the client decide once whether they are offline."""
    from huggingface_hub import utils

    for name in ('reset_sessions', 'close_session'):
        getattr(utils, name, lambda: None)()
