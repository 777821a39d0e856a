"""Two TUF clients that are not ours: python-tuf's ngclient, and npm's tuf-js in a process of node's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater

from tests.factories.node_clients import BIN, install_node_clients

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
        cwd=install_node_clients(),
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
