"""Signatures that are too few, foreign or repeated, and roots that are not the collection's: each is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

from app.client.pull import PullResult
from app.client.verify import verify_directory
from app.manifest.root import sign_root
from tests.factories.collection import SLUG, Collection, Keys, signer
from tests.factories.hostile_server import Server
from tests.factories.refusals import refused

Pull = Callable[[], PullResult]
METADATA = f"/tuf/{SLUG}/metadata"


def alter(server: Server, name: str, change: Callable[[dict], None], signers: list[CryptoSigner]) -> None:
    """Changes a metadata file and signs it again with the given keys."""
    metadata = Metadata.from_bytes(server.files[f"{METADATA}/{name}"]).to_dict()
    change(metadata["signed"])
    altered = Metadata.from_dict(metadata)
    altered.signatures.clear()
    for key in signers:
        altered.sign(key, append=True)
    server.files[f"{METADATA}/{name}"] = altered.to_bytes()


def test_targets_signed_by_one_of_two(do_pull: Pull, server: Server, collection: Collection) -> None:
    alter(server, "1.targets.json", lambda signed: None, collection.keys.people[:1])
    refused(do_pull, "signed by 1/2 keys")


def test_targets_signed_by_a_foreign_key(do_pull: Pull, server: Server, collection: Collection) -> None:
    alter(server, "1.targets.json", lambda signed: None, [collection.keys.people[0], signer()])
    refused(do_pull, "signed by 1/2 keys")


def test_one_signature_given_twice(do_pull: Pull, server: Server) -> None:
    document = json.loads(server.files[f"{METADATA}/1.targets.json"])
    document["signatures"] = [document["signatures"][0]] * 2
    server.files[f"{METADATA}/1.targets.json"] = json.dumps(document).encode()
    refused(do_pull, "refused: ")


def test_one_signature_under_two_key_ids(do_pull: Pull, server: Server) -> None:
    document = json.loads(server.files[f"{METADATA}/1.targets.json"])
    document["signatures"][1]["sig"] = document["signatures"][0]["sig"]
    server.files[f"{METADATA}/1.targets.json"] = json.dumps(document).encode()
    refused(do_pull, "signed by 1/2 keys")


@pytest.mark.parametrize("role", ["head", "bin-0", "bin-1"])
def test_head_and_bins_need_both_machine_keys(
    do_pull: Pull, server: Server, collection: Collection, role: str
) -> None:
    alter(server, f"1.{role}.json", lambda signed: None, collection.keys.head[:1])
    refused(do_pull, "signed by 1/2 keys")


def test_root_by_an_attacker(do_pull: Pull, server: Server, collection: Collection) -> None:
    do_pull()
    stranger = Collection(Keys(), repo_id=collection.repo_id)
    root: Metadata[Root] = Metadata.from_bytes(stranger.metadata["1.root.json"])
    root.signed.version = 2
    root.signatures.clear()
    sign_root(root, stranger.keys.root)
    server.files[f"{METADATA}/2.root.json"] = root.to_bytes()
    refused(do_pull, "root was signed by 0/2 keys")


def test_root_that_skips_a_version(do_pull: Pull, server: Server, collection: Collection) -> None:
    root: Metadata[Root] = Metadata.from_bytes(collection.metadata["1.root.json"])
    root.signed.version = 3
    root.signatures.clear()
    sign_root(root, collection.keys.root)
    server.files[f"{METADATA}/2.root.json"] = root.to_bytes()
    refused(do_pull, "refused|older metadata")


def test_root_swap_between_repositories_with_the_same_keys(
    do_pull: Pull, server: Server, collection: Collection, directory: Path
) -> None:
    """Stock clients accept this (tests/integration/test_tuf_clients.py shows it); and once refused, we recover."""
    do_pull()
    honest = dict(server.files)
    other = Collection(collection.keys, repo_id="repo-two")
    other.release(salt="other ")
    root: Metadata[Root] = Metadata.from_bytes(other.metadata["1.root.json"])
    root.signed.version = 2
    root.signatures.clear()
    sign_root(root, collection.keys.root[:2])
    server.serve_collection(other)
    server.files[f"{METADATA}/2.root.json"] = root.to_bytes()
    refused(do_pull, "belongs to repository 'repo-two', not to 'repo-one'")
    server.files.clear()
    server.files.update(honest)
    assert do_pull().unchanged
    assert verify_directory(directory, datetime.now(UTC)).good


def test_a_role_of_another_repository(do_pull: Pull, server: Server, collection: Collection) -> None:
    """Keys may be the same: the timestamp of one collection is not accepted for another."""
    other = Collection(collection.keys, repo_id="repo-two")
    other.release()
    server.files[f"{METADATA}/timestamp.json"] = other.metadata["timestamp.json"]
    refused(do_pull, "timestamp belongs to repository 'repo-two'")
