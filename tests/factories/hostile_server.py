"""A small partner surface on 127.0.0.1 that serves a collection, honestly or as a fault tells it to."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Api = Callable[[str, str, Any], tuple[int, Any]]
"""(method, path, JSON body) → (status, JSON answer), for what is not the repository."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str | None]] = []  # method, path, Range
        self.tokens: list[dict[str, str]] = []
        self.valid_tokens: set[str] = set()
        self.token_status = 200
        self.cut_after: dict[str, list[int]] = {}  # path → bytes after which each next connection is cut
        self.hold_after: dict[str, int] = {}  # path → bytes after which the next connection hangs
        self.held = threading.Event()
        self.ranges = True
        self.fail_next: list[int] = []
        self.api: Api | None = None
        self.open_access = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up on us is what many tests are about; anything else is a fault of the test."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def serve_collection(self, collection: Any) -> None:
        """Publishes what the collection holds now; call again after it changed."""
        base = f"/tuf/{collection.slug}"
        for name, data in collection.metadata.items():
            self.files[f"{base}/metadata/{name}"] = data
        for path, data in collection.targets.items():
            self.files[f"{base}/targets/{path}"] = data

    def paths(self, part: str = "/tuf/") -> list[str]:
        return [path for _, path, _ in self.requests if part in path]


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Silent: the tests look at `server.requests`."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.requests.append(("GET", self.path, self.headers.get("Range")))
        if self.server.fail_next:
            return self._json(self.server.fail_next.pop(0), {"title": "Unavailable"})
        if not self._authorised():
            return self._json(401, {"title": "Sign in or present a valid token"})
        if path.startswith("/api/"):
            return self._api("GET", None)
        if path not in self.server.files:
            return self._json(404, {"title": "Nothing is here for you", "type": "x/not-found"})
        return self._file(path, self.server.files[path])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(("POST", self.path, None))
        if self.path == "/oauth/token":
            return self._token(body)
        if not self._authorised():
            return self._json(401, {"title": "Sign in or present a valid token"})
        return self._api("POST", json.loads(body))

    def _authorised(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.server.open_access or token in self.server.valid_tokens

    def _token(self, body: bytes) -> None:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.server.tokens.append(form)
        if self.server.token_status != 200:
            error = {"error": "invalid_client", "error_description": "the key is not registered"}
            return self._json(self.server.token_status, error)
        token = f"token-{len(self.server.tokens)}"
        self.server.valid_tokens.add(token)
        return self._json(200, {"access_token": token, "token_type": "Bearer", "expires_in": 900})

    def _api(self, method: str, body: Any) -> None:
        assert self.server.api is not None
        status, answer = self.server.api(method, self.path, body)
        self._json(status, answer)

    def _json(self, status: int, answer: Any) -> None:
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, path: str, data: bytes) -> None:
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if start and start >= len(data):
            return self._json(416, {"title": "Range Not Satisfiable"})
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if hold := self.server.hold_after.pop(path, 0):
            self.wfile.write(data[start : start + hold])
            self.server.held.set()
            self.connection.settimeout(20)
            self.rfile.read(1)  # until the client is gone
            self.close_connection = True
            return None
        cuts = self.server.cut_after.get(path)
        if cuts:
            self.wfile.write(data[start : start + cuts.pop(0)])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
        else:
            self.wfile.write(data[start:])
        return None


@contextmanager
def running_server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
