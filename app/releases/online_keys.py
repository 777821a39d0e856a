"""The machine keys of each collection's repository: head (two), withdrawals, snapshot and timestamp.

Kept below `CORDON_ONLINE_KEYS` (file:///directory), a folder a repository, each key a PEM file of mode 0600.
Stealing them cannot forge a release: two people's signatures cover every byte (see docs/threat-model.md).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from securesystemslib.signer import Key, Signer

from app.manifest.keys import load_signer
from app.manifest.repository import OnlineSigners
from app.manifest.roles import HEAD, SNAPSHOT, TIMESTAMP, WITHDRAWALS
from app.settings import Settings, SettingsError

COUNTS: Mapping[str, int] = {HEAD: 2, WITHDRAWALS: 1, SNAPSHOT: 1, TIMESTAMP: 1}


class OnlineKeys:
    """Makes and opens machine keys. Raises SettingsError for an address it cannot use."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        if parts.scheme != "file":
            raise SettingsError("CORDON_ONLINE_KEYS must be a file:///directory")
        self._directory = Path(unquote(parts.path))

    @classmethod
    def from_settings(cls, settings: Settings) -> OnlineKeys:
        return cls(settings.online_keys_uri)

    def signers(self, repo_id: str) -> OnlineSigners:
        """The repository's signers; keys that are not there yet are made."""
        return OnlineSigners(**{role: self._role(repo_id, role) for role in COUNTS})

    def public(self, repo_id: str) -> dict[str, list[Key]]:
        """The public halves by role."""
        return {role: [signer.public_key for signer in self._role(repo_id, role)] for role in COUNTS}

    def _role(self, repo_id: str, role: str) -> list[Signer]:
        directory = self._directory / repo_id
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [self._signer(directory / f"{role}-{n}.pem") for n in range(1, COUNTS[role] + 1)]

    def _signer(self, path: Path) -> Signer:
        if not path.exists():
            _write_new(path)
        return load_signer(path.as_uri())


def _write_new(path: Path) -> None:
    """Writes a fresh key once: of two processes that race, both end with the first one's."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
