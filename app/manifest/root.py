"""The root of trust of a collection: composed once in a ceremony, signed offline by two of three keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import Key, Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Role, Root
from tuf.api.serialization import DeserializationError

from app.manifest.errors import ManifestError, VerificationError
from app.manifest.roles import REPO_ID, ROOT, RULES, SNAPSHOT, TARGETS, TIMESTAMP, expiry


@dataclass(frozen=True)
class RootKeys:
    """Public keys by role. No key serves two roles: stealing one must not open another."""

    root: Sequence[Key]
    targets: Sequence[Key]
    snapshot: Sequence[Key]
    timestamp: Sequence[Key]

    def by_role(self) -> Mapping[str, Sequence[Key]]:
        return {ROOT: self.root, TARGETS: self.targets, SNAPSHOT: self.snapshot, TIMESTAMP: self.timestamp}


def compose_root(repo_id: str, keys: RootKeys, now: datetime) -> Metadata[Root]:
    """Version 1 of a root, unsigned. Raises ManifestError for too few keys, or one key in two roles."""
    if not repo_id:
        raise ManifestError("a repository needs an id of its own")
    all_keys: dict[str, Key] = {}
    roles: dict[str, Role] = {}
    for role, members in keys.by_role().items():
        rule = RULES[role]
        if len({key.keyid for key in members}) < rule.keys:
            raise ManifestError(f"the {role} role needs {rule.keys} different keys, {len(members)} given")
        for key in members:
            if key.keyid in all_keys:
                raise ManifestError(
                    f"the key {key.keyid[:12]} is given twice: every role needs keys of its own"
                )
            all_keys[key.keyid] = key
        roles[role] = Role([key.keyid for key in members], rule.threshold)
    root = Root(
        version=1,
        expires=expiry(ROOT, now),
        keys=all_keys,
        roles=roles,
        consistent_snapshot=True,
        unrecognized_fields={REPO_ID: repo_id},
    )
    return Metadata(root)


def sign_root(root: Metadata[Root], signers: Sequence[Signer]) -> None:
    """Adds the signatures. Raises ManifestError unless they reach the root's own threshold."""
    for signer in signers:
        root.sign(signer, append=True)
    try:
        root.signed.verify_delegate(ROOT, root.signed_bytes, root.signatures)
    except RepositoryError as error:
        raise ManifestError(f"the root is not signed by enough of its keys: {error}") from error


def parse_root(data: bytes) -> Metadata[Root]:
    """A root signed by its own threshold. Raises VerificationError otherwise; expiry is the caller's to judge."""
    try:
        root: Metadata[Root] = Metadata.from_bytes(data)
        if not isinstance(root.signed, Root):
            raise VerificationError("not a TUF root")
        root.signed.verify_delegate(ROOT, root.signed_bytes, root.signatures)
    except (DeserializationError, RepositoryError) as error:
        raise VerificationError(f"not a properly signed TUF root: {error}") from error
    if not isinstance(root.signed.unrecognized_fields.get(REPO_ID), str):
        raise VerificationError(f"the root lacks {REPO_ID}")
    return root


def repo_id_of(root: Metadata[Root]) -> str:
    """The id that the root gives its repository."""
    return str(root.signed.unrecognized_fields[REPO_ID])


def fingerprint(root: Metadata[Root]) -> str:
    """SHA-256 in hex of the root's canonical signed part: what a partner pins, whoever has signed it so far."""
    return hashlib.sha256(root.signed_bytes).hexdigest()
