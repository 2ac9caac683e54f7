"""What a hub of Hugging Face answers, request by request, as its client asks."""

import base64
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = ('.safetensors', '.bin', '.pt', '.model')  # are kept apart, in Git LFS
TOKEN = 'hf_of_this_test'
MAIN = 'main'


class Handler(BaseHTTPRequestHandler):
    """One request. Paths are matched in the order of ``ROUTES``."""

    hub = None
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_GET(self):
        self._answer()

    do_HEAD = do_PUT = do_POST = do_GET

    def _answer(self):
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        length = int(self.headers.get('Content-Length') or 0)
        self.body = self.rfile.read(length) if length else self._chunks()
        self.hub.requests.append((self.command, parts.path))
        for methods, pattern, name in ROUTES:
            match = re.fullmatch(pattern, parts.path)
            if match and self.command in methods:
                getattr(self, name)(*map(unquote, match.groups()))
                return
        self._refuse(404, 'NotFound', f'nothing at {self.command} {self.path}')

    def _chunks(self):
        """The body of a request whose length nobody has told."""
        body = b''
        if 'chunked' in self.headers.get('Transfer-Encoding', ''):
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body

    def _send(self, content=b'', status=200, **headers):
        self.send_response(status)
        names = {name.replace('_', '-'): value for name, value in headers.items()}
        for name, value in {'Content-Length': len(content), **names}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(content)

    def _json(self, content, status=200):
        self._send(
            json.dumps(content).encode(), status, Content_Type='application/json'
        )

    def _refuse(self, status, code, message):
        content = json.dumps(dict(error=message)).encode()
        self._send(content, status, X_Error_Code=code, X_Error_Message=message)

    def _repo(self, name):
        """A repository that the caller may read; else None, and it is told."""
        repo = self.hub.repos.get(name)
        knows = self.headers.get('Authorization') == f'Bearer {TOKEN}'
        if repo is None or (repo.private and not knows):
            self._refuse(404 if knows else 401, 'RepoNotFound', 'Repository not found')
            return None
        if repo.gated:
            self._refuse(403, 'GatedRepo', f'Access to model {name} is restricted')
            return None
        return repo

    def _at(self, name, revision):
        """A repository and a commit of it; else None twice, and it is told."""
        repo = self._repo(name)
        commit = repo and repo.at(revision)
        if repo and not commit:
            self._refuse(404, 'RevisionNotFound', f'Invalid rev id: {revision}')
        return (repo, commit) if commit else (None, None)

    def resolve(self, name, revision, path):
        repo, commit = self._at(name, revision)
        if not repo:
            return
        told = dict(X_Repo_Commit=commit)
        content = repo.commits[commit].get(path)
        if content is None:
            headers = dict(told, X_Error_Code='EntryNotFound')
            self._send(b'Entry not found', 404, **headers)
        elif path.endswith(LARGE):
            digest = hashlib.sha256(content).hexdigest()
            told.update(X_Linked_Size=len(content), X_Linked_ETag=f'"{digest}"')
            place = f'{self.hub.elsewhere}/large/{name}/{commit}/{path}'
            self._send(b'', 302, Location=place, **told)
        else:
            digest = hashlib.sha1(b'blob %d\0' % len(content) + content).hexdigest()
            self._content(repo, path, content, ETag=f'"{digest}"', **told)

    def large(self, name, commit, path):
        repo = self.hub.repos[name]
        content = repo.commits[commit][path]
        digest = hashlib.sha256(content).hexdigest()
        self._content(repo, path, content, ETag=f'"{digest}"')

    def _content(self, repo, path, content, **headers):
        """All of a file, or what was asked for; or what a test has put in its place."""
        if self.command == 'GET' and path in repo.answers:
            content = repo.answers[path](content)
        asked = re.fullmatch(r'bytes=(\d+)-(\d*)', self.headers.get('Range', ''))
        if not asked:
            self._send(content, Accept_Ranges='bytes', **headers)
            return
        begin, end = int(asked[1]), int(asked[2] or len(content) - 1)
        headers['Content_Range'] = f'bytes {begin}-{end}/{len(content)}'
        self._send(content[begin : end + 1], 206, **headers)

    def info(self, name, revision=MAIN):
        repo, commit = self._at(name, revision)
        if repo:
            files = [dict(rfilename=path) for path in sorted(repo.commits[commit])]
            about = dict(id=name, modelId=name, sha=commit, siblings=files)
            self._json(dict(about, private=repo.private, tags=[], downloads=0))

    def tree(self, name, revision):
        repo, commit = self._at(name, revision)
        if repo:
            files = sorted(repo.commits[commit].items())
            self._json(
                [
                    dict(type='file', path=path, size=len(content), oid='0' * 40)
                    for path, content in files
                ]
            )

    def whoami(self):
        self._json(dict(type='user', name='somebody', orgs=[], auth=dict(type='token')))

    def validate(self):
        self._json(dict(errors=[], warnings=[]))

    def create(self):
        asked = json.loads(self.body)
        name = f'{asked.get("organization") or "somebody"}/{asked["name"]}'
        if self.headers.get('Authorization') != f'Bearer {TOKEN}':
            self._refuse(401, '', 'Invalid username or password.')
            return
        is_new = name not in self.hub.repos
        if is_new:
            private = asked.get('private') or asked.get('visibility') == 'private'
            files = {'.gitattributes': '*.safetensors filter=lfs'}
            self.hub.add(name, files, private=bool(private))
        about = dict(url=f'{self.hub.url}/{name}', name=name, id='0' * 24)
        self._json(about, 200 if is_new else 409)

    def preupload(self, name, revision):
        repo, _ = self._at(name, revision)
        if repo:
            paths = [file['path'] for file in json.loads(self.body)['files']]
            mode = {path: path.endswith(LARGE) for path in paths}
            self._json(
                dict(
                    files=[
                        dict(
                            path=path,
                            uploadMode='lfs' if mode[path] else 'regular',
                            shouldIgnore=False,
                        )
                        for path in paths
                    ]
                )
            )

    def batch(self, name):
        if self._repo(name):
            objects = [
                dict(
                    item,
                    actions=dict(
                        upload=dict(href=f'{self.hub.elsewhere}/put/{item["oid"]}')
                    ),
                )
                for item in json.loads(self.body)['objects']
            ]
            self._json(dict(transfer='basic', objects=objects))

    def put(self, digest):
        if hashlib.sha256(self.body).hexdigest() != digest:
            self._refuse(400, 'BadDigest', 'another SHA-256')
            return
        self.hub.uploads[digest] = self.body
        self._send()

    def branch(self, name, branch):
        repo = self._repo(name)
        if repo:
            repo.branches.setdefault(branch, repo.branches[MAIN])
            self._json({})

    def commit(self, name, revision):
        repo, parent = self._at(name, revision)
        if not repo:
            return
        if self.headers.get('Authorization') != f'Bearer {TOKEN}':
            self._refuse(401, '', 'Invalid username or password.')
            return
        files, message = dict(repo.commits[parent]), ''
        for line in self.body.decode().splitlines():
            item = json.loads(line)
            key, value = item['key'], item['value']
            if key == 'header':
                message = value['summary']
            elif key == 'file':
                files[value['path']] = base64.b64decode(value['content'])
            elif key == 'lfsFile':
                files[value['path']] = self.hub.uploads[value['oid']]
            elif key == 'deletedFile':
                del files[value['path']]
        place, told = f'{self.hub.url}/{name}', {}
        if self.query.get('create_pr'):
            number = sum(map('refs/pr/'.__eq__, (b[:8] for b in repo.branches))) + 1
            revision = f'refs/pr/{number}'
            told = dict(pullRequestUrl=f'{place}/discussions/{number}')
        oid = repo.commit(files, revision, message)
        url = f'{place}/commit/{oid}'
        self._json(dict(commitUrl=url, commitOid=oid, success=True, **told))


_NAME = '([^/]+/[^/]+)'
ROUTES = (
    (('GET', 'HEAD'), f'/{_NAME}/resolve/([^/]+)/(.+)', 'resolve'),
    (('GET', 'HEAD'), f'/large/{_NAME}/([0-9a-f]+)/(.+)', 'large'),
    (('GET',), f'/api/models/{_NAME}', 'info'),
    (('GET',), f'/api/models/{_NAME}/revision/([^/]+)', 'info'),
    (('GET',), f'/api/models/{_NAME}/tree/([^/]+)', 'tree'),
    (('GET',), '/api/whoami-v2', 'whoami'),
    (('POST',), '/api/validate-yaml', 'validate'),
    (('POST',), '/api/repos/create', 'create'),
    (('POST',), f'/api/models/{_NAME}/preupload/([^/]+)', 'preupload'),
    (('POST',), f'/api/models/{_NAME}/branch/([^/]+)', 'branch'),
    (('POST',), f'/api/models/{_NAME}/commit/([^/]+)', 'commit'),
    (('POST',), rf'/{_NAME}\.git/info/lfs/objects/batch', 'batch'),
    (('PUT',), '/put/([0-9a-f]+)', 'put'),
)
