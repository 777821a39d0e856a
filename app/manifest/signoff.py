"""The targets role: composed by the service, signed by people apart from it, accepted at two persons' signatures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.exceptions import Error as SslibError
from securesystemslib.signer import Key, Signature, Signer
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Root, TargetFile, Targets

from app.manifest.errors import ManifestError, VerificationError
from app.manifest.listing import FileEntry
from app.manifest.release import release_path
from app.manifest.roles import (
    DELEGATED_PATHS,
    HEAD,
    RELEASE,
    REPO_ID,
    RULES,
    TARGETS,
    WITHDRAWALS,
    check_repo_id,
    expiry,
)


@dataclass(frozen=True)
class MachineKeys:
    """Public keys of the roles that people delegate to machines."""

    head: Sequence[Key]
    withdrawals: Sequence[Key]


@dataclass(frozen=True, slots=True)
class DetachedSignature:
    """A signature (hex) made apart from the service, and the person whose key it is."""

    keyid: str
    signature: str
    person: str


def compose_targets(
    repo_id: str,
    release_id: str,
    files: Iterable[FileEntry],
    machine_keys: MachineKeys,
    now: datetime,
    previous_version: int = 0,
) -> bytes:
    """The canonical bytes that approvers sign: version `previous_version + 1` of the targets role.

    `files` are the release's own (release.json, manifest.jsonl, clip index …), all under `releases/<id>/`.
    Raises ManifestError when one lies elsewhere, release.json or manifest.jsonl lacks, or keys are too few.
    """
    prefix = release_path(release_id, "x").removesuffix("x")
    targets = {entry.path: target_file(entry) for entry in files}
    if any(not path.startswith(prefix) for path in targets):
        raise ManifestError(f"people sign only what lies under {prefix}")
    for name in ("release.json", "manifest.jsonl"):
        if prefix + name not in targets:
            raise ManifestError(f"the release lacks its {name}")
    manifest = targets[f"{prefix}manifest.jsonl"]
    signed = Targets(
        version=previous_version + 1,
        expires=expiry(TARGETS, now),
        targets=targets,
        delegations=_delegations(machine_keys),
        unrecognized_fields={
            REPO_ID: repo_id,
            RELEASE: {"id": release_id, "manifest_sha256": manifest.hashes["sha256"]},
        },
    )
    return Metadata(signed).signed_bytes


def target_file(entry: FileEntry) -> TargetFile:
    """The entry as TUF writes it."""
    return TargetFile(entry.length, {"sha256": entry.sha256}, entry.path)


def _delegations(machine_keys: MachineKeys) -> Delegations:
    keys: dict[str, Key] = {}
    roles: dict[str, DelegatedRole] = {}
    for name, members in ((HEAD, machine_keys.head), (WITHDRAWALS, machine_keys.withdrawals)):
        rule = RULES[name]
        keyids = [key.keyid for key in members]
        if len(set(keyids)) < rule.keys:
            raise ManifestError(f"the {name} role needs {rule.keys} different keys")
        keys.update({key.keyid: key for key in members})
        roles[name] = DelegatedRole(name, keyids, rule.threshold, True, paths=DELEGATED_PATHS[name])
    return Delegations(keys, roles)


def parse_payload(payload: bytes) -> Targets:
    """The targets role in bytes to sign. Raises VerificationError unless they are exactly its canonical form."""
    try:
        signed = Targets.from_dict(json.loads(payload))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError("the bytes to sign are not a TUF targets role") from error
    if signed.type != TARGETS or Metadata(signed).signed_bytes != payload:
        raise VerificationError("the bytes to sign are not the canonical form of a targets role")
    return signed


def check_payload(payload: bytes, repo_id: str, release_id: str, manifest_sha256: str) -> Targets:
    """What an approver's own machine checks before it signs: this repository, this release, this manifest.

    Raises VerificationError when the payload names anything else, or delegates more than the house's two roles.
    """
    signed = parse_payload(payload)
    check_repo_id("the targets role", signed.unrecognized_fields, repo_id)
    manifest = signed.targets.get(release_path(release_id, "manifest.jsonl"))
    expected = {"id": release_id, "manifest_sha256": manifest_sha256}
    if signed.unrecognized_fields.get(RELEASE) != expected or manifest is None:
        raise VerificationError("the bytes to sign are for another release or manifest: do not sign")
    if manifest.hashes != {"sha256": manifest_sha256}:
        raise VerificationError("the bytes to sign hold another manifest: do not sign")
    prefix = release_path(release_id, "x").removesuffix("x")
    if any(not path.startswith(prefix) for path in signed.targets):
        raise VerificationError("the bytes to sign hold files of another release: do not sign")
    check_delegations(signed)
    return signed


def check_delegations(signed: Targets) -> None:
    """Raises VerificationError unless the role delegates exactly shards and withdrawals, at the house's thresholds."""
    roles = signed.delegations.roles if signed.delegations is not None else None
    found = {name: (role.paths, role.threshold) for name, role in (roles or {}).items()}
    if found != {name: (paths, RULES[name].threshold) for name, paths in DELEGATED_PATHS.items()}:
        raise VerificationError("the targets role delegates other paths or thresholds than a release does")


def sign_payload(signer: Signer, payload: bytes) -> Signature:
    """The detached signature of one person over the bytes to sign."""
    return signer.sign(payload)


def verify_signature(root: Root, payload: bytes, keyid: str, signature: str) -> None:
    """Raises VerificationError unless `keyid` is one of the root's targets keys and signed `payload`."""
    if keyid not in root.roles[TARGETS].keyids:
        raise VerificationError(f"the key {keyid[:12]} is not one that signs this collection's releases")
    try:
        root.get_key(keyid).verify_signature(Signature(keyid, signature), payload)
    except (SslibError, ValueError) as error:
        raise VerificationError(f"the signature of key {keyid[:12]} is wrong") from error


def assemble_targets(
    root: Root, payload: bytes, signatures: Sequence[DetachedSignature]
) -> Metadata[Targets]:
    """The signed targets role, once the threshold of different keys AND of different people is reached.

    Raises VerificationError for a wrong, foreign or repeated signature, or too few people.
    """
    metadata = Metadata(parse_payload(payload))
    for item in signatures:
        verify_signature(root, payload, item.keyid, item.signature)
        if item.keyid in metadata.signatures:
            raise VerificationError(f"the key {item.keyid[:12]} signed twice")
        metadata.signatures[item.keyid] = Signature(item.keyid, item.signature)
    people = {item.person for item in signatures}
    threshold = root.roles[TARGETS].threshold
    if len(people) != len(signatures):
        raise VerificationError("one person signed twice: another person's signature is needed")
    if len(people) < threshold:
        raise VerificationError(f"signed by {len(people)} of {threshold} people")
    return metadata
