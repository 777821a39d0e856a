"""gunicorn as one surface needs it: threads, patient with long uploads, impatient with silent clients."""

from __future__ import annotations

import os
import signal
import socket
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.core.processes import die_with_parent
from app.settings import Settings
from app.uploads.routes.slots import MOST_AT_ONCE

THREADS = MOST_AT_ONCE + 32  # uploads may be slow for hours, and the others must not wait for them
SILENCE_SECONDS = 60  # neither a byte read nor a byte taken for so long: the client is gone
HANG_SECONDS = 120  # gunicorn's own watch over a worker's main loop; requests may take as long as they need
GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Listening:
    """Which surface, where, and in how many processes."""

    surface: Literal["staff", "partner"]
    port: int
    workers: int = 1


class PatientWorker(ThreadWorker):
    """Threads whose sockets give up on silence: the kernel ends a read or write that waits SILENCE_SECONDS."""

    def handle(self, conn: TConn) -> Any:
        wait = struct.pack("ll", SILENCE_SECONDS, 0)  # struct timeval, socket(7)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
        return super().handle(conn)


class HouseLogger(Logger):
    """gunicorn's messages by the process's one handler, in its one format."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002 - gunicorn calls it so
        self.error_log.propagate = True
        self.access_log.propagate = False


class WebServer(BaseApplication):
    """Serves one surface until SIGTERM."""

    def __init__(self, settings: Settings, listening: Listening) -> None:
        self._settings = settings
        self._listening = listening
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": [_address(self._settings.bind_host, self._listening.port)],
            "workers": self._listening.workers,
            "worker_class": f"{__name__}.PatientWorker",
            "logger_class": f"{__name__}.HouseLogger",
            "threads": THREADS,
            "timeout": HANG_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": 15,
            "preload_app": True,  # what is set up wrongly is said once, before any process is made
            "control_socket_disable": True,
            "post_fork": _end_with_arbiter,
            "proc_name": f"cordon {self._listening.surface}",
        }
        for name, value in options.items():
            self.cfg.set(name, value)
        if self._settings.metrics_port:
            self.cfg.set("when_ready", self._serve_metrics)
            self.cfg.set("child_exit", _forget_process)

    def load(self) -> Flask:
        if self._settings.metrics_port:
            _share_metrics(self._settings.home / "run")
        from app.factory import create_app  # after the metrics' directory is known

        return create_app(self._settings, self._listening.surface)

    def _serve_metrics(self, _arbiter: Any) -> None:
        from prometheus_client import CollectorRegistry, start_http_server
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        start_http_server(self._settings.metrics_port, self._settings.bind_host, registry)


def _share_metrics(run_dir: Path) -> None:
    """Tells prometheus-client, before it is imported, where processes put their numbers together."""
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-", dir=run_dir)


def _end_with_arbiter(_arbiter: Any, _worker: Any) -> None:
    """A worker whose arbiter was killed stops at once, so that the next arbiter finds the port free."""
    die_with_parent(signal.SIGTERM)()


def _forget_process(_arbiter: Any, worker: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
