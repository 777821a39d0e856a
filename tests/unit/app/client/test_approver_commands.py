"""Signing and the root ceremony as approvers use them: what is not the release asked for is never signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app.client import commands
from app.manifest import root, signoff
from app.manifest.keys import key_to_dict
from tests.factories.collection import SLUG, Collection, signer
from tests.factories.hostile_server import Server
from tests.factories.refusals import failed

Run = Callable[..., Result]


class Staff:
    """The staff surface's part in signing, as its description has it: real payloads, real checks."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.files, _ = collection.build("release-1", 3, "", 8192)
        self.payload = collection.compose("release-1", self.files)
        self.digest = json.loads(self.payload)["x-release"]["manifest_sha256"]
        self.summary: dict[str, Any] = {"manifest_sha256": self.digest, "clips": 3}
        self.signatures: list[dict[str, str]] = []
        self.role = "targets"
        self.roots: list[bytes] = []

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/api/v1/releases/release-1/signing":
            return 200, self.signing()
        if path == "/api/v1/releases/release-1/signatures":
            root_role = self.collection.state.root
            signoff.verify_signature(root_role, self.payload, body["keyid"], body["signature"])
            self.signatures.append({"keyid": body["keyid"], "person": "A. Approver"})
            return 201, {"state": "awaiting_sign_off"}
        if path == f"/api/v1/collections/{SLUG}/ceremony":
            return 200, self.ceremony()
        if path == f"/api/v1/collections/{SLUG}/root":
            self.roots.append(json.dumps(body["root"]).encode())
            return 201, {}
        return 404, {"title": "Nothing is here for you"}

    def signing(self) -> dict[str, Any]:
        return {
            "release_id": "release-1",
            "collection": SLUG,
            "role": self.role,
            "payload": base64.b64encode(self.payload).decode(),
            "summary": self.summary,
            "signatures": self.signatures,
            "threshold": 2,
        }

    def ceremony(self) -> dict[str, Any]:
        made = self.collection.keys
        online = {"head": made.head, "withdrawals": made.withdrawals, "snapshot": made.snapshot}
        return {
            "repo_id": "repo-new",
            "targets_keys": [key_to_dict(key.public_key) for key in made.people],
            "online_keys": {
                role: [key_to_dict(key.public_key) for key in keys]
                for role, keys in {**online, "timestamp": made.timestamp}.items()
            },
        }


@pytest.fixture
def staff(server: Server) -> Staff:
    desk = Staff(Collection())
    server.api = desk
    return desk


@pytest.fixture
def approver_key(staff: Staff, tmp_path: Path) -> Path:
    path = tmp_path / "signing.pem"
    path.write_bytes(staff.collection.keys.people[0].private_bytes)
    path.chmod(0o600)
    return path


def test_sign(run: Run, staff: Staff, approver_key: Path) -> None:
    result = run(commands.sign, "release-1", input="y\n")  # the key beside the credentials
    assert result.exit_code == 0, result.output
    assert f"SHA-256 {staff.digest}" in result.output
    assert "(1 of 2)" in result.output
    assert len(staff.signatures) == 1


def test_sign_asks_first(run: Run, staff: Staff, approver_key: Path) -> None:
    assert run(commands.sign, "release-1", input="n\n").exit_code == 1
    assert staff.signatures == []


def test_sign_for_scripts(run: Run, staff: Staff, approver_key: Path) -> None:
    result = run(commands.sign, "release-1", "--key", approver_key, "--yes", "--json")
    assert json.loads(result.stdout)["answer"] == {"state": "awaiting_sign_off"}


def test_one_key_does_not_sign_twice(run: Run, staff: Staff, approver_key: Path) -> None:
    run(commands.sign, "release-1", "--yes")
    again = run(commands.sign, "release-1", "--yes", "--json")
    failed(again, "another person must sign")


def test_sign_refuses_what_is_not_this_release(run: Run, staff: Staff, approver_key: Path) -> None:
    right = staff.payload
    staff.summary["manifest_sha256"] = "0" * 64
    failed(run(commands.sign, "release-1", "--yes"), "not 0000")
    staff.summary["manifest_sha256"] = staff.digest
    failed(run(commands.sign, "release-1", "--yes", "--manifest-sha256", "1" * 64), "not 1111")
    staff.payload = right.replace(staff.digest.encode(), b"0" * 64, 1)
    failed(run(commands.sign, "release-1", "--yes"), "refused: ")
    staff.payload = right.replace(b"release-1", b"release-2")
    failed(run(commands.sign, "release-1", "--yes"), "refused: ")
    staff.payload = b"transfer all funds"
    failed(run(commands.sign, "release-1", "--yes"), "not a TUF targets role")
    staff.payload, staff.role = right, "root"
    failed(run(commands.sign, "release-1", "--yes"), "something else to sign")
    assert staff.signatures == []


def test_ceremony(run: Run, staff: Staff, tmp_path: Path) -> None:
    paths = []
    for name in "abc":
        path = tmp_path / f"{name}.pem"
        run(commands.keys, "new", "--out", path)
        paths.append(path)
    out = tmp_path / "root.json"
    result = run(
        commands.ceremony, SLUG, "--root-key", paths[0], "--root-key", paths[1],
        "--root-public", f"{paths[2]}.pub", "--out", out, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    sent = root.parse_root(staff.roots[0])
    assert root.repo_id_of(sent) == answer["repo_id"] == "repo-new"
    assert (
        root.fingerprint(sent) == root.fingerprint(root.parse_root(out.read_bytes())) == answer["fingerprint"]
    )
    assert len(sent.signed.roles["root"].keyids) == 3
    assert len(sent.signatures) == 2


def test_ceremony_needs_three_keys_of_which_two_sign(run: Run, staff: Staff, tmp_path: Path) -> None:
    paths = []
    for name in "ab":
        path = tmp_path / f"{name}.pem"
        path.write_bytes(signer().private_bytes)
        path.chmod(0o600)
        paths.append(path)
    assert run(commands.ceremony, SLUG, "--root-key", paths[0]).exit_code == 2
    two = run(commands.ceremony, SLUG, "--root-key", paths[0], "--root-key", paths[1])
    failed(two, "the root role needs 3 different keys")
    same = run(commands.ceremony, SLUG, *["--root-key", paths[0]] * 3)
    failed(same, "the root role needs 3 different keys")
    assert staff.roots == []
