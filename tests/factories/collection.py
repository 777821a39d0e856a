"""A whole collection in memory: keys, composed repository, shards with tiny clips. Nothing is mocked but time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Targets

from app.manifest import clips, listing, release, repository, root, shards, signoff

SLUG = "firearm-attack"


def signer() -> CryptoSigner:
    return CryptoSigner.generate_ed25519()


def publics(signers: list[CryptoSigner]) -> list:
    return [item.public_key for item in signers]


@dataclass
class Keys:
    root: list[CryptoSigner] = field(default_factory=lambda: [signer() for _ in range(3)])
    people: list[CryptoSigner] = field(default_factory=lambda: [signer() for _ in range(3)])
    head: list[CryptoSigner] = field(default_factory=lambda: [signer(), signer()])
    withdrawals: list[CryptoSigner] = field(default_factory=lambda: [signer()])
    snapshot: list[CryptoSigner] = field(default_factory=lambda: [signer()])
    timestamp: list[CryptoSigner] = field(default_factory=lambda: [signer()])

    def online(self) -> repository.OnlineSigners:
        return repository.OnlineSigners(self.head, self.withdrawals, self.snapshot, self.timestamp)

    def machine(self) -> signoff.MachineKeys:
        return signoff.MachineKeys(publics(self.head), publics(self.withdrawals))

    def for_root(self) -> root.RootKeys:
        return root.RootKeys(
            publics(self.root), publics(self.people), publics(self.snapshot), publics(self.timestamp)
        )


def samples(count: int, salt: str = "") -> list[shards.Sample]:
    return [
        shards.Sample(
            f"clip-{number:04d}",
            (
                shards.Member.of_bytes("mp4", f"{salt}video {number} ".encode() * (100 + number)),
                shards.Member.of_bytes("json", f'{{"clip":{number}}}\n'.encode()),
            ),
        )
        for number in range(count)
    ]


@dataclass
class Collection:
    """Published files: `metadata` by file name, `targets` by hash-prefixed path, as a server hands them out."""

    keys: Keys = field(default_factory=Keys)
    slug: str = SLUG
    repo_id: str = "repo-one"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    metadata: dict[str, bytes] = field(default_factory=dict)
    targets: dict[str, bytes] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        made = root.compose_root(self.repo_id, self.keys.for_root(), self.now())
        root.sign_root(made, self.keys.root[:2])
        self.fingerprint = root.fingerprint(made)
        self.metadata["1.root.json"] = made.to_bytes()

    @property
    def state(self) -> repository.PublishedState:
        return repository.PublishedState.load(self.metadata)

    def release(
        self,
        count: int = 9,
        *,
        salt: str = "",
        max_bytes: int = 8192,
        forge: Callable[[list[listing.FileEntry]], list[listing.FileEntry]] = lambda entries: entries,
    ) -> str:
        """Packs, signs and publishes a release; `forge` alters what the machine keys put into the bins."""
        self.number += 1
        release_id = f"release-{self.number}"
        files, entries = self.build(release_id, count, salt, max_bytes)
        signed = self.sign(self.compose(release_id, files))
        self.metadata |= repository.publish(
            self.state, signed, forge(entries), self.keys.online(), self.now()
        )
        return release_id

    def build(
        self, release_id: str, count: int, salt: str, max_bytes: int
    ) -> tuple[list[listing.FileEntry], list[listing.FileEntry]]:
        """The release's own files and its shards, both added to what the server has."""
        written: dict[str, bytes] = {}
        packed = list(shards.pack_shards(samples(count, salt), memory_sink(written), max_bytes=max_bytes))
        entries = [listing.FileEntry(shard.path, shard.length, shard.sha256) for shard in packed]
        index = clips.encode_clip_index(packed, {sample.key: "train" for sample in samples(count)})
        own = {"clips.jsonl": index}
        index_entry = listing.FileEntry.of_bytes(release.release_path(release_id, "clips.jsonl"), index)
        own["manifest.jsonl"] = listing.encode_manifest([*entries, index_entry])
        manifest_path = release.release_path(release_id, "manifest.jsonl")
        own["release.json"] = release.Release(
            release_id=release_id,
            collection=self.slug,
            number=self.number,
            dataset_version="version-1",
            taxonomy="firearm-attack 1.0",
            created_at="2026-01-01T00:00:00+00:00",
            clips=count,
            shards=len(packed),
            total_bytes=sum(entry.length for entry in entries),
            splits={"train": count},
            notes="",
            manifest=listing.FileEntry.of_bytes(manifest_path, own["manifest.jsonl"]),
        ).encode()
        files = []
        for name, data in own.items():
            entry = listing.FileEntry.of_bytes(release.release_path(release_id, name), data)
            files.append(entry)
            self.put(entry, data)
        for entry in entries:
            self.put(entry, written[entry.path])
        return files, entries

    def put(self, entry: listing.FileEntry, data: bytes) -> None:
        parent, _, name = entry.path.rpartition("/")
        self.targets[f"{parent}/{entry.sha256}.{name}"] = data

    def compose(self, release_id: str, files: list[listing.FileEntry]) -> bytes:
        previous = self.state.targets.signed.version if self.state.targets else 0
        return signoff.compose_targets(
            self.repo_id, release_id, files, self.keys.machine(), self.now(), previous
        )

    def detached(self, payload: bytes, person: int) -> signoff.DetachedSignature:
        key = self.keys.people[person]
        return signoff.DetachedSignature(
            key.public_key.keyid, key.sign(payload).signature, f"person-{person}"
        )

    def sign(self, payload: bytes) -> Metadata[Targets]:
        signatures = [self.detached(payload, person) for person in (0, 1)]
        return signoff.assemble_targets(self.state.root, payload, signatures)

    def refresh(self) -> None:
        self.metadata |= repository.refresh(self.state, self.keys.online(), self.now())

    def shard_names(self) -> list[str]:
        return sorted(path for path in self.targets if path.startswith("shards/"))


def memory_sink(written: dict[str, bytes]) -> shards.Sink:
    @contextmanager
    def open_shard(path: str) -> Iterator[BinaryIO]:
        buffer = io.BytesIO()
        yield buffer
        written[path] = buffer.getvalue()

    return open_shard
