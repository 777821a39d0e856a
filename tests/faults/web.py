"""`cordon serve --surface staff` of a campaign: killed, started again at the same address, and given less room."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import requests

from tests.factories.server import environment, free_port
from tests.faults.processes import children_of, started
from tests.faults.site import Site

START_SECONDS = 60.0


class Web:
    """gunicorn's master with one process that serves, as the operator starts them."""

    def __init__(self, site: Site, log: Path, **env: str) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._log = log
        cordon = str(Path(sys.executable).with_name("cordon"))
        self._command = [cordon, "serve", "--surface", "staff", "--port", str(port)]
        self._env = environment(site.settings, CORDON_STAFF_URL=self.address, **env)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it answers. Raises RuntimeError."""
        self._process = started(self._command, self._env, self._log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if requests.get(f"{self.address}/healthz", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    @property
    def worker(self) -> int:
        """The process that serves, once there is one. Raises RuntimeError."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if (pid := next(children_of(self._process.pid), None)) is not None:
                return pid
            time.sleep(0.02)
        raise RuntimeError("gunicorn has no worker")

    def kill(self) -> None:
        """SIGKILL to the master and to the process that serves, which would otherwise go on for its clients."""
        assert self._process is not None
        worker = self.worker
        self._process.kill()
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        self._process.wait(30)
        deadline = time.monotonic() + START_SECONDS
        while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def stop(self) -> None:
        """SIGTERM, and after half a minute SIGKILL."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()


def limit_files(pid: int, size: int | None) -> None:
    """Lets no file of that process grow beyond `size` bytes (EFBIG, which counts as a full disk); None: any size."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))
