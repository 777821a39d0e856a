"""A staff surface of a few blueprints, with the real gate, tokens, database and error mapping."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, g, request
from gunicorn.app.base import BaseApplication

from app.accounts.service.tokens import identity_of_token
from app.authz.gate import check_gate, install_gate, public
from app.core import http
from app.core.db import Database
from app.core.identity import ANONYMOUS, Identity
from app.core.openapi import CordonApi
from app.settings import Settings
from app.storage.vault import Vault


def small_app(settings: Settings, database: Database, *blueprints: Any) -> Flask:
    """An application of these blueprints; callers authenticate with a bearer token."""
    app = Flask("app", static_folder=None)
    app.config.update(
        API_TITLE="test", API_VERSION="v1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX="/api/v1"
    )
    for kind, value in (
        (Settings, settings),
        (Database, database),
        (Vault, Vault.from_settings(settings)),
    ):
        http.provide(app, kind, value)  # type: ignore[arg-type]
    http.init_app(app)
    install_gate(app, _load_identity)
    api = CordonApi(app)
    for name, view in app.view_functions.items():
        if name.startswith("api-docs."):
            app.view_functions[name] = public("test")(lambda view=view, **kw: view(**kw))
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    check_gate(app)
    return app


def _load_identity() -> Identity:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    with http.transaction() as session:
        return identity_of_token(session, token, "staff", request_id=g.request_id) or ANONYMOUS


class GunicornServer(BaseApplication):  # type: ignore[misc]
    """gunicorn, gthread, one worker, serving an application in a process of its own."""

    def __init__(self, app: Flask, port: int, threads: int = 8) -> None:
        self._app = app
        self._options = {
            "bind": f"127.0.0.1:{port}",
            "workers": 1,
            "threads": threads,
            "worker_class": "gthread",
            "loglevel": "error",
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on werkzeug's threaded server; yields its address."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
