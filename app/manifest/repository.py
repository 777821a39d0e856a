"""Publishing: from a signed targets role and a release's shards to the metadata files that partners fetch.

Pure: metadata in, new files out, as {name in the repository: bytes}. Store them all, `timestamp.json` last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from securesystemslib.signer import Signer
from tuf.api.metadata import (
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)

from app.manifest.errors import ManifestError
from app.manifest.listing import FileEntry
from app.manifest.roles import (
    BIN,
    HEAD,
    MAX_BIN_TARGETS,
    REPO_ID,
    RULES,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    WITHDRAWALS,
    expiry,
)
from app.manifest.signoff import target_file

S = TypeVar("S", Targets, Snapshot, Timestamp)

_MAX_BITS = 16
_RENEW_BEFORE = 0.5  # a role is signed again once half of its life is over


@dataclass(frozen=True)
class OnlineSigners:
    """The machine keys: head (and its bins) two of two, withdrawals, snapshot and timestamp one each."""

    head: Sequence[Signer]
    withdrawals: Sequence[Signer]
    snapshot: Sequence[Signer]
    timestamp: Sequence[Signer]


@dataclass(frozen=True)
class PublishedState:
    """What is published now. Before the first release everything but the root is absent."""

    root: Root
    targets: Metadata[Targets] | None = None
    delegated: Mapping[str, Metadata[Targets]] | None = None
    snapshot: Metadata[Snapshot] | None = None
    timestamp: Metadata[Timestamp] | None = None

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> PublishedState:
        """Reads stored metadata files by name; the timestamp says which versions count."""
        version = max(int(name.split(".")[0]) for name in files if name.endswith(".root.json"))
        root: Metadata[Root] = Metadata.from_bytes(files[f"{version}.root.json"])
        if "timestamp.json" not in files:
            return cls(root.signed)
        timestamp: Metadata[Timestamp] = Metadata.from_bytes(files["timestamp.json"])
        snapshot: Metadata[Snapshot] = Metadata.from_bytes(
            files[f"{timestamp.signed.snapshot_meta.version}.snapshot.json"]
        )
        roles: dict[str, Metadata[Targets]] = {
            name.removesuffix(".json"): Metadata.from_bytes(files[f"{meta.version}.{name}"])
            for name, meta in snapshot.signed.meta.items()
        }
        return cls(root.signed, roles.pop(TARGETS), roles, snapshot, timestamp)

    @property
    def repo_id(self) -> str:
        return str(self.root.unrecognized_fields[REPO_ID])


def publish(
    state: PublishedState,
    targets: Metadata[Targets],
    shards: Sequence[FileEntry],
    signers: OnlineSigners,
    now: datetime,
) -> dict[str, bytes]:
    """The new metadata files of a release: targets, head, changed bins, withdrawals, snapshot, timestamp.

    `targets` comes from `signoff.assemble_targets`; `shards` are all shards of the release. Raises ManifestError
    when another release was published since the targets role was composed.
    """
    expected = (state.targets.signed.version if state.targets else 0) + 1
    if targets.signed.version != expected:
        raise ManifestError(
            f"another release was published meanwhile (targets {expected} is next): compose and sign again"
        )
    batch = _Batch(state, signers, now)
    batch.files[f"{expected}.{TARGETS}.json"] = targets.to_bytes()
    batch.versions[TARGETS] = expected
    batch.write_shards(shards)
    if WITHDRAWALS not in (state.delegated or {}):
        batch.write(WITHDRAWALS, Targets(targets={}), signers.withdrawals)
    return batch.finish()


def refresh(state: PublishedState, signers: OnlineSigners, now: datetime) -> dict[str, bytes]:
    """A new timestamp, and every machine role signed anew of which half the life is over.

    Call it at least daily. Raises ManifestError before the first release.
    """
    if state.snapshot is None or state.delegated is None:
        raise ManifestError("nothing is published yet: there is nothing to refresh")
    batch = _Batch(state, signers, now)
    head = state.delegated[HEAD].signed
    live = {HEAD, WITHDRAWALS, *_bins(head).get_roles()}
    for name in sorted(live):
        role = state.delegated[name].signed
        if _is_stale(role, name, now):
            role_signers = signers.withdrawals if name == WITHDRAWALS else signers.head
            batch.write(name, Targets(targets=role.targets, delegations=role.delegations), role_signers)
    return batch.finish()


def bin_bits(paths: Sequence[str], minimum: int = 1) -> int:
    """The least number of bits by which no hash bin holds more than 256 of the paths."""
    for bits in range(minimum, _MAX_BITS + 1):
        bins = SuccinctRoles([], 1, bits, BIN)
        counts: dict[str, int] = {}
        for path in paths:
            name = bins.get_role_for_target(path)
            counts[name] = counts.get(name, 0) + 1
        if max(counts.values(), default=0) <= MAX_BIN_TARGETS:
            return bits
    raise ManifestError("the release has too many shards for its hash bins")


def _bins(head: Targets) -> SuccinctRoles:
    if head.delegations is None or head.delegations.succinct_roles is None:
        raise ManifestError("the head role has no hash bins")
    return head.delegations.succinct_roles


def _is_stale(signed: Targets | Snapshot, role: str, now: datetime) -> bool:
    lifetime = timedelta(days=RULES[HEAD if role.startswith(f"{BIN}-") else role].days)
    return signed.expires - now < lifetime * _RENEW_BEFORE


class _Batch:
    """Collects the files of one publication; versions go up by one from what is published."""

    def __init__(self, state: PublishedState, signers: OnlineSigners, now: datetime) -> None:
        self.state = state
        self.signers = signers
        self.now = now
        self.files: dict[str, bytes] = {}
        meta = state.snapshot.signed.meta if state.snapshot else {}
        # Roles of earlier, coarser bins stay listed for good: a client refuses a snapshot that drops one.
        self.versions = {name.removesuffix(".json"): file.version for name, file in meta.items()}

    def write(self, role: str, signed: Targets, signers: Sequence[Signer]) -> None:
        signed.version = self.versions.get(role, 0) + 1
        self.versions[role] = signed.version
        self.files[f"{signed.version}.{role}.json"] = self._sign(role, signed, signers)

    def write_shards(self, shards: Sequence[FileEntry]) -> None:
        """The bins whose contents changed, and the head when the number of bins did or half its life is over."""
        previous = self.state.delegated or {}
        head = previous[HEAD].signed if HEAD in previous else None
        bits = bin_bits([shard.path for shard in shards], _bins(head).bit_length if head else 1)
        if head is None or _bins(head).bit_length != bits or _is_stale(head, HEAD, self.now):
            self.write(HEAD, Targets(targets={}, delegations=self._delegate_bins(bits)), self.signers.head)
        bins = SuccinctRoles([], 1, bits, BIN)
        contents: dict[str, dict[str, TargetFile]] = {name: {} for name in bins.get_roles()}
        for shard in sorted(shards):
            contents[bins.get_role_for_target(shard.path)][shard.path] = target_file(shard)
        for name, targets in contents.items():
            old = previous[name].signed if name in previous else None
            if old is None or old.targets != targets or _is_stale(old, name, self.now):
                self.write(name, Targets(targets=targets), self.signers.head)

    def finish(self) -> dict[str, bytes]:
        """Adds the snapshot, where something changed or half its life is over, and the timestamp."""
        old, published = self.state.snapshot, self.state.timestamp
        if old is None or published is None or self.files or _is_stale(old.signed, SNAPSHOT, self.now):
            version = (old.signed.version if old else 0) + 1
            meta = {f"{role}.json": MetaFile(number) for role, number in sorted(self.versions.items())}
            snapshot = self._sign(SNAPSHOT, Snapshot(version=version, meta=meta), self.signers.snapshot)
            self.files[f"{version}.{SNAPSHOT}.json"] = snapshot
            meta_file = MetaFile.from_data(version, snapshot, ["sha256"])
        else:
            meta_file = published.signed.snapshot_meta
        number = (published.signed.version if published else 0) + 1
        timestamp = Timestamp(version=number, snapshot_meta=meta_file)
        self.files[f"{TIMESTAMP}.json"] = self._sign(TIMESTAMP, timestamp, self.signers.timestamp)
        return self.files

    def _delegate_bins(self, bits: int) -> Delegations:
        keys = {signer.public_key.keyid: signer.public_key for signer in self.signers.head}
        return Delegations(keys, succinct_roles=SuccinctRoles(list(keys), RULES[HEAD].threshold, bits, BIN))

    def _sign(self, role: str, signed: S, signers: Sequence[Signer]) -> bytes:
        signed.expires = expiry(role, self.now)
        signed.unrecognized_fields[REPO_ID] = self.state.repo_id
        metadata = Metadata(signed)
        for signer in signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()
