"""Verifies a collection's metadata offline, and demands what stock TUF clients do not.

Beyond the TUF workflow: every role names the pinned repository (`x-repo-id`), and the bins that machines sign hold
exactly the shards of the manifest that people signed. So two persons' signatures cover every byte, even when all
machine keys are stolen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from app.manifest.errors import VerificationError
from app.manifest.listing import FileEntry
from app.manifest.release import Release, release_path
from app.manifest.roles import (
    HEAD,
    RELEASE,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    WITHDRAWALS,
    check_repo_id,
)
from app.manifest.root import parse_root, repo_id_of
from app.manifest.signoff import check_delegations

S = TypeVar("S", Timestamp, Snapshot, Targets)


class MetadataSource(Protocol):
    """Where metadata bytes come from: a partner's directory, or the service's own tables."""

    def root(self, version: int, /) -> bytes | None:
        """The root of that version, or None where it does not exist."""

    def role(self, name: str, version: int | None, /) -> bytes | None:
        """The role's metadata (None for a version: the newest), or None where it does not exist."""


@dataclass(frozen=True)
class TrustedRepository:
    """Metadata of which every signature, version, hash, expiry and repository id was checked at one moment."""

    repo_id: str
    root: Root
    timestamp: Timestamp
    snapshot: Snapshot
    targets: Targets
    bins: Mapping[str, Targets]

    @property
    def release_id(self) -> str:
        """The release that people signed last."""
        return str(self.targets.unrecognized_fields[RELEASE]["id"])

    def release_entry(self, name: str) -> FileEntry:
        """The signed entry of the release's own file `name`. Raises VerificationError where there is none."""
        path = release_path(self.release_id, name)
        if path not in self.targets.targets:
            raise VerificationError(f"the signed targets role lacks {path}")
        return file_entry(self.targets.targets[path])

    def shard_entries(self) -> Iterator[FileEntry]:
        """What the hash bins hold."""
        for role in self.bins.values():
            yield from (file_entry(target) for target in role.targets.values())


def file_entry(target: TargetFile) -> FileEntry:
    """A TUF target in our terms. Raises VerificationError where it is not named by SHA-256 alone."""
    if set(target.hashes) != {"sha256"}:
        raise VerificationError(f"{target.path} is not named by a SHA-256 alone")
    return FileEntry(target.path, target.length, target.hashes["sha256"])


def open_repository(
    source: MetadataSource, pinned_root: bytes, at: datetime, *, with_bins: bool = True
) -> TrustedRepository:
    """Verifies all of the metadata from the pinned root on, as of `at` (aware).

    Raises VerificationError, naming the role, for a wrong or missing signature, version, hash or repository id, or
    for a role that had expired at `at`.
    """
    walk = _Walk(source, pinned_root, at)
    timestamp = walk.read(walk.root, TIMESTAMP, Timestamp, None)
    snapshot = walk.read(walk.root, SNAPSHOT, Snapshot, timestamp.snapshot_meta)
    targets = walk.read(walk.root, TARGETS, Targets, _meta(snapshot, TARGETS))
    check_delegations(targets)
    release = targets.unrecognized_fields.get(RELEASE)
    if not isinstance(release, dict) or not isinstance(release.get("id"), str):
        raise VerificationError("the targets role does not name its release")
    bins: dict[str, Targets] = {}
    if with_bins:
        walk.read(targets, WITHDRAWALS, Targets, _meta(snapshot, WITHDRAWALS))
        head = walk.read(targets, HEAD, Targets, _meta(snapshot, HEAD))
        if head.targets or head.delegations is None or head.delegations.succinct_roles is None:
            raise VerificationError("the head role must hold hash bins and nothing else")
        succinct = head.delegations.succinct_roles
        for name in succinct.get_roles():
            bins[name] = walk.read(head, name, Targets, _meta(snapshot, name))
            if any(succinct.get_role_for_target(path) != name for path in bins[name].targets):
                raise VerificationError(f"{name} holds another bin's shards: role files were swapped")
    return TrustedRepository(walk.repo_id, walk.root, timestamp, snapshot, targets, bins)


class _Walk:
    """The TUF client workflow (specification 5.3-5.6) over metadata that is already here."""

    def __init__(self, source: MetadataSource, pinned_root: bytes, at: datetime) -> None:
        self._source = source
        self._at = at
        pinned = parse_root(pinned_root)
        self.repo_id = repo_id_of(pinned)
        self.root = self._newest_root(pinned.signed)
        if self.root.is_expired(at):
            raise _expired(self.root, ROOT)

    def _newest_root(self, root: Root) -> Root:
        while (data := self._source.root(root.version + 1)) is not None:
            successor = parse_root(data)
            try:
                root.verify_delegate(ROOT, successor.signed_bytes, successor.signatures)
            except RepositoryError as error:
                raise VerificationError(
                    f"the new root is not signed by the old one's keys: {error}"
                ) from error
            check_repo_id("the new root", successor.signed.unrecognized_fields, self.repo_id)
            if successor.signed.version != root.version + 1:
                raise VerificationError(f"root {root.version + 1} has version {successor.signed.version}")
            root = successor.signed
        return root

    def read(self, delegator: Root | Targets, role: str, kind: type[S], meta: MetaFile | None) -> S:
        data = self._source.role(role, meta.version if meta else None)
        if data is None:
            raise VerificationError(f"the metadata of {role} is missing")
        try:
            metadata: Metadata[S] = Metadata.from_bytes(data)
            if not isinstance(metadata.signed, kind):
                raise VerificationError(f"{role} is metadata of another type")
            delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
            if meta is not None:
                meta.verify_length_and_hashes(data)
        except (DeserializationError, RepositoryError, ValueError) as error:
            if isinstance(error, VerificationError):
                raise
            raise VerificationError(f"{role} cannot be trusted: {error}") from error
        signed = metadata.signed
        if meta is not None and signed.version != meta.version:
            raise VerificationError(f"{role} is version {signed.version}, expected {meta.version}")
        check_repo_id(role, signed.unrecognized_fields, self.repo_id)
        if signed.is_expired(self._at):
            raise _expired(signed, role)
        return signed


def _expired(signed: Signed, role: str) -> VerificationError:
    return VerificationError(
        f"{role} expired on {signed.expires:%Y-%m-%d}: pull again, or give --as-of DATE to judge by an earlier day"
    )


def _meta(snapshot: Snapshot, role: str) -> MetaFile:
    try:
        return snapshot.meta[f"{role}.json"]
    except KeyError:
        raise VerificationError(f"the snapshot does not list {role}") from None


def check_release(repository: TrustedRepository, release: Release, collection: str | None = None) -> None:
    """Raises VerificationError unless release.json is of the signed release, manifest and collection."""
    if release.release_id != repository.release_id:
        raise VerificationError(
            f"release.json is of release {release.release_id}, not {repository.release_id}"
        )
    if release.manifest != repository.release_entry("manifest.jsonl"):
        raise VerificationError("release.json names another manifest than people signed")
    if collection is not None and release.collection != collection:
        raise VerificationError(f"the release is of collection {release.collection!r}, not {collection!r}")


def check_manifest(repository: TrustedRepository, manifest: Iterable[FileEntry]) -> None:
    """Manifest = bins: raises VerificationError naming the first file that machines and people do not agree on."""
    signed = {entry.path: entry for entry in manifest}
    binned = {entry.path: entry for entry in repository.shard_entries()}
    for path in sorted(binned.keys() | {path for path in signed if path.startswith("shards/")}):
        if path not in signed:
            raise VerificationError(f"{path} is published, but not in the manifest that people signed")
        if path not in binned:
            raise VerificationError(f"{path} is in the signed manifest, but not published")
        if signed[path] != binned[path]:
            raise VerificationError(f"{path} is not what people signed: the published entry was forged")
    for path, entry in signed.items():
        if path in binned:
            continue
        target = repository.targets.targets.get(path)
        if target is None or file_entry(target) != entry:
            raise VerificationError(f"{path} is in the manifest, but not so in the signed targets role")
