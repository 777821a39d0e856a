"""The key that signs checkpoints: a file beside the service, made once by `cordon init`.

The file holds one line, `PRIVATE+KEY+origin+hash+key` (see `proofs.note`); `<file>.pub` beside it holds the verifier
key that partners and auditors are given.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.proofs.errors import ProofError
from app.proofs.note import NoteSigner, NoteVerifier
from app.settings import SettingsError


def load_checkpoint_key(uri: str) -> NoteSigner:
    """Reads the signing key. Raises SettingsError, never showing the key, where it cannot be used."""
    path = _path(uri)
    try:
        return NoteSigner.parse(path.read_text())
    except FileNotFoundError:
        raise SettingsError(f"CORDON_CHECKPOINT_KEY: {path} is not there: run 'cordon init' first") from None
    except (OSError, ProofError, UnicodeDecodeError) as error:
        raise SettingsError(f"CORDON_CHECKPOINT_KEY: {path} cannot be used: {error}") from None


def load_verifier(uri: str) -> NoteVerifier:
    """The public half of the signing key at `uri`, for whoever only names it. Raises SettingsError."""
    path = public_half(_path(uri))
    try:
        return NoteVerifier.parse(path.read_text())
    except (OSError, ProofError, UnicodeDecodeError) as error:
        raise SettingsError(f"CORDON_CHECKPOINT_KEY: {path} cannot be used: {error}") from None


def create_checkpoint_key(uri: str, origin: str) -> NoteSigner:
    """Makes the signing key of the log `origin` (a URL without scheme), 0600, and its public half `<file>.pub`.

    Raises FileExistsError where a key is there already, SettingsError for another scheme than file.
    """
    path = _path(uri)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    signer = NoteSigner.generate(origin)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(signer.serialise() + "\n")
        file.flush()
        os.fsync(file.fileno())
    public_half(path).write_text(f"{signer.verifier}\n")
    return signer


def origin_of(address: str) -> str:
    """The log's name where `address` is the service's base URL: C2SP asks for the log's URL without its scheme."""
    parts = urlsplit(address)
    return f"{parts.netloc}{parts.path.rstrip('/')}/log"


def public_half(path: Path) -> Path:
    """Where the verifier key of the signing key in `path` lies."""
    return path.with_name(path.name + ".pub")


def _path(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        raise SettingsError("CORDON_CHECKPOINT_KEY must be a file:///… address")
    return Path(unquote(parts.path))
