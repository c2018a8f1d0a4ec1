"""A small stand-in for the Hugging Face Hub on 127.0.0.1: the endpoints that its fsspec file system asks for."""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ("main", COMMIT)


class Hub(ThreadingHTTPServer):
    """Serves one data set, `datasets/owner/name`; `files` and `gated` may change while it runs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.gated = False
        """Whether it lists its files but gives none of them without a token."""
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Hub]:
    hub = Hub()
    hub.files.update(files)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        if found := re.fullmatch(r"/api/datasets/owner/name(?:/revision/([^/]+))?", path):
            self._about(found[1] or "main")
        elif found := re.fullmatch(r"/api/datasets/owner/name/tree/([^/]+)(?:/(.*))?", path):
            self._tree(found[1], found[2] or "", "recursive=true" in self.path.lower())
        elif found := re.fullmatch(r"/datasets/owner/name/resolve/([^/]+)/(.*)", path):
            self._file(found[1], found[2])
        else:
            self._error(404, "RepoNotFound", "Repository not found")

    def _about(self, revision: str) -> None:
        if revision not in REVISIONS:
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        self._json({"_id": "1", "id": "owner/name", "sha": COMMIT, "private": False, "tags": [], "siblings": []})

    def _tree(self, revision: str, folder: str, recursive: bool) -> None:
        prefix = f"{folder}/" if folder else ""
        inside = {name: data for name, data in self.server.files.items() if name.startswith(prefix)}
        if revision not in REVISIONS or not inside:
            self._error(404, "EntryNotFound", f"{folder} does not exist on {revision!r}")
            return
        folders = {prefix + name[len(prefix) :].rpartition("/")[0] for name in inside if "/" in name[len(prefix) :]}
        if not recursive:
            folders = {prefix + name[len(prefix) :].split("/")[0] for name in folders}
            inside = {name: data for name, data in inside.items() if "/" not in name[len(prefix) :]}
        entries: list[dict[str, Any]] = [{"type": "directory", "oid": "0", "size": 0, "path": name} for name in folders]
        entries += [
            {"type": "file", "oid": hashlib.sha1(data).hexdigest(), "size": len(data), "path": name}
            for name, data in inside.items()
        ]
        self._json(entries)

    def _file(self, revision: str, name: str) -> None:
        data = self.server.files.get(name)
        if self.server.gated and "Authorization" not in self.headers:
            self._error(403, "GatedRepo", "Access to dataset owner/name is restricted")
        elif revision not in REVISIONS or data is None:
            self._error(404, "EntryNotFound", "Entry not found")
        elif found := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
            part = data[int(found[1]) : int(found[2]) + 1]
            self._send(206, part, {"Content-Range": f"bytes {found[1]}-{found[2]}/{len(data)}"})
        else:
            self._send(200, data, {"ETag": '"x"', "X-Repo-Commit": COMMIT})

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _error(self, status: int, code: str, message: str) -> None:
        self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": message})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
