"""The TUF side of a pull: python-tuf's client over our authenticated session, held to the pinned repository."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count

import requests
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.api.metadata import Metadata, SuccinctRoles, Targets
from tuf.ngclient import FetcherInterface, Updater

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.store import LocalSource, Pin, Store
from app.manifest.errors import VerificationError
from app.manifest.roles import HEAD, check_repo_id
from app.manifest.verify import TrustedRepository, open_repository

_CHUNK = 1 << 16
_MAX_ROOT = 512_000


def check_collection(collection: str) -> str:
    """`collection` itself. Raises ClientError for what cannot be a collection's name (a slug)."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,79}", collection):
        raise ClientError(f"{collection!r} is not a collection's name: see 'cordon list'")
    return collection


def metadata_path(collection: str) -> str:
    return f"/tuf/{collection}/metadata/"


def targets_path(collection: str) -> str:
    return f"/tuf/{collection}/targets/"


class PinnedFetcher(FetcherInterface):
    """Fetches metadata with our token, and refuses any that is of another repository before it is stored.

    Where two repositories share keys, stock clients accept a root or role of the one for the other.
    """

    def __init__(self, session: ApiSession, repo_id: str) -> None:
        self._session = session
        self._repo_id = repo_id
        self.requests = 0

    def _fetch(self, url: str) -> Generator[bytes, None, None]:
        self.requests += 1
        response = self._session.send("GET", url, stream=True)
        if not response.ok:
            response.close()
            raise DownloadHTTPError(f"HTTP {response.status_code} for {url}", response.status_code)
        return _body(response)

    def download_bytes(self, url: str, max_length: int) -> bytes:
        with closing(self._fetch(url)) as chunks:
            data = _bounded(chunks, max_length)
        try:
            signed = json.loads(data)["signed"]
            custom = dict(signed)
        except (ValueError, KeyError, TypeError):
            return data  # not metadata at all: python-tuf says so
        check_repo_id(url.rpartition("/")[2].removesuffix(".json"), custom, self._repo_id)
        return data


def _body(response: requests.Response) -> Generator[bytes, None, None]:
    try:
        with response:
            yield from response.iter_content(_CHUNK)
    except OSError as error:  # requests' errors are OSErrors
        raise DownloadError("the connection broke off") from error


def _bounded(chunks: Iterator[bytes], limit: int) -> bytes:
    data = b""
    for chunk in chunks:
        data += chunk
        if len(data) > limit:
            raise DownloadLengthMismatchError(f"over {limit} bytes")
    return data


def first_root(session: ApiSession, collection: str, wanted_fingerprint: str) -> Pin:
    """The collection's first root from the server, trusted only because it has the agreed fingerprint."""
    response = session.request("GET", f"{metadata_path(collection)}1.root.json", stream=True)
    try:
        with closing(_body(response)) as chunks:
            data = _bounded(chunks, _MAX_ROOT)
    except DownloadError as error:
        raise explain(error, collection) from error
    pin = Pin.of_root(data)
    pin.demand(wanted_fingerprint)
    return pin


def refresh(session: ApiSession, collection: str, store: Store, pin: Pin) -> tuple[TrustedRepository, int]:
    """Brings the stored metadata up to date and verifies all of it. Returns it with the number of requests made.

    Raises ClientError, one line: refused (and why) or out of reach. What was refused does not hinder a later pull.
    """
    fetcher = PinnedFetcher(session, pin.repo_id)
    try:
        updater = Updater(str(store.metadata), metadata_path(collection), fetcher=fetcher, bootstrap=pin.root)
        updater.refresh()
        _load_delegated(updater, store)
        return open_repository(LocalSource(store), pin.root, datetime.now(UTC)), fetcher.requests
    except (RepositoryError, DownloadError, VerificationError, OSError) as error:
        if isinstance(error, VerificationError):
            store.forget_delegated()
        raise explain(error, collection) from error


def _load_delegated(updater: Updater, store: Store) -> None:
    """Has the client load every delegated role: it does so only when asked for a target that one may hold."""
    updater.get_targetinfo("withdrawals/log.jsonl")
    updater.get_targetinfo("shards/000000.tar")
    head: Metadata[Targets] = Metadata.from_bytes(LocalSource(store).role(HEAD, None) or b"")
    if head.signed.delegations is None or head.signed.delegations.succinct_roles is None:
        raise VerificationError("the head role has no hash bins")
    for path in bin_probes(head.signed.delegations.succinct_roles):
        updater.get_targetinfo(path)


def bin_probes(bins: SuccinctRoles) -> Iterator[str]:
    """One path under `shards/` for each bin."""
    missing = set(bins.get_roles())
    for number in count():
        if not missing:
            return
        path = f"shards/{number}"
        name = bins.get_role_for_target(path)
        if name in missing:
            missing.remove(name)
            yield path


def explain(error: Exception, collection: str) -> ClientError:
    """A refusal or failure of the metadata engine as one line that says what it means."""
    if isinstance(error, DownloadHTTPError):
        if error.status_code in (403, 404):
            return ClientError(
                f"no collection {collection!r} is granted to you: see 'cordon list'", error.status_code
            )
        return ClientError(
            f"the server failed (HTTP {error.status_code}): try again later", error.status_code
        )
    if isinstance(error, DownloadLengthMismatchError):
        return ClientError(f"refused: the server sent more metadata than is allowed ({error})")
    if isinstance(error, DownloadError | OSError):
        return ClientError(f"the metadata could not be fetched or stored: {error}")
    if isinstance(error, ExpiredMetadataError):
        return ClientError(
            f"refused: {error}; the server may be withholding updates: ask the operator, then try again"
        )
    if isinstance(error, BadVersionNumberError):
        return ClientError(f"refused: the server offers older metadata than it did before ({error})")
    return ClientError(f"refused: {error}")
