"""Two TUF clients that are not ours: python-tuf's ngclient, and npm's tuf-js in a process of node's."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater

NODE = Path(__file__).parents[1] / "integration" / "node"
BUILD = Path(__file__).parents[2] / "build" / "tuf-js"
BIN = Path(sys.executable).parent

Client = Callable[[str, bytes, Path, list[str], str], dict[str, bytes]]
"""(repository's address, pinned root, scratch directory, target paths, bearer token or "") → contents.

Raises Refused."""


class Refused(Exception):
    """The client did not accept what the server gave it."""


class BearerFetcher(FetcherInterface):
    """What a partner writes to use ngclient with us: a fetcher that sends the token."""

    def __init__(self, token: str) -> None:
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def _fetch(self, url: str) -> Iterator[bytes]:
        response = self._session.get(url, stream=True, timeout=30)
        if not response.ok:
            raise DownloadHTTPError(f"HTTP {response.status_code}", response.status_code)
        return _body(response)


def _body(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_content(1 << 16)
    except requests.RequestException as error:
        raise DownloadError("the connection broke off") from error


def ngclient(
    base: str, root: bytes, directory: Path, targets: list[str], token: str = ""
) -> dict[str, bytes]:
    """python-tuf's client; with a token through `BearerFetcher`, without through its own fetcher."""
    make_directories(directory)
    try:
        updater = Updater(
            str(directory / "metadata"),
            f"{base}/metadata/",
            str(directory / "targets"),
            f"{base}/targets/",
            fetcher=BearerFetcher(token) if token else None,
            bootstrap=root,
        )
        updater.refresh()
        found = {}
        for target in targets:
            info = updater.get_targetinfo(target)
            if info is None:
                raise Refused(f"no such target: {target}")
            found[target] = Path(updater.download_target(info)).read_bytes()
    except (RepositoryError, DownloadError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    return found


def tuf_js(base: str, root: bytes, directory: Path, targets: list[str], token: str = "") -> dict[str, bytes]:
    """npm's client, in a process of its own."""
    make_directories(directory)
    if not (directory / "metadata" / "root.json").exists():
        (directory / "metadata" / "root.json").write_bytes(root)
    request = {
        "metadataDir": str(directory / "metadata"),
        "metadataBaseUrl": f"{base}/metadata",
        "targetDir": str(directory / "targets"),
        "targetBaseUrl": f"{base}/targets",
        "targets": targets,
    }
    run = subprocess.run(
        [BIN / "node", "client.mjs", json.dumps(request)],
        cwd=install_tuf_js(),
        env={**os.environ, "TUF_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answer = json.loads(run.stdout)
    if "error" in answer:
        raise Refused(answer["error"])
    return {target: Path(path).read_bytes() for target, path in answer["paths"].items()}


def make_directories(directory: Path) -> None:
    """Where a client keeps its metadata and its targets."""
    for name in ("metadata", "targets"):
        (directory / name).mkdir(parents=True, exist_ok=True)


def install_tuf_js() -> Path:
    """The directory in which `import 'tuf-js'` works; installed once for a lock file. A failure is an error."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (NODE / "package-lock.json").read_text()
        marker = BUILD / "installed.json"
        shutil.copy(NODE / "client.mjs", BUILD)
        if not marker.exists() or marker.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(NODE / name, BUILD)
            environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
            if certificates := environment.get("SSL_CERT_FILE"):  # as the set-up does for its own npm
                environment.setdefault("NODE_EXTRA_CA_CERTS", certificates)
            subprocess.run(
                [BIN / "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=BUILD,
                env=environment,
                timeout=240,
                check=True,
            )
            marker.write_text(wanted)
    return BUILD
