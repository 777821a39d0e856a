"""A release as the service publishes it, fetched by three clients from the partner surface under gunicorn.

python-tuf's ngclient, npm's tuf-js and our own `cordon pull` each get a token by `private_key_jwt`, verify and download
every target; and each is refused by the same faults. The world is made once; every test has a partner of its own and
mends what it broke.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from app.core.clock import now
from app.releases.models import Download, TufTarget
from app.releases.service import grants
from tests.factories.annotation import make_labelled_recording
from tests.factories.published import Partner, World, published_world
from tests.factories.tuf_clients import Refused, ngclient, tuf_js

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("published-release")]
SHARD = "shards/000000.tar"


Client = Callable[[Partner, Path, list[str]], dict[str, bytes]]
"""(partner, its directory, target paths) → contents, all verified. Raises Refused."""


def run_cordon(directory: Path, *argv: str) -> dict[str, Any]:
    """One of our commands in a process of its own; its JSON. Raises Refused with what it said on failing."""
    directory.mkdir(exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CORDON_")}
    run = subprocess.run(
        [sys.executable, "-m", "app.cli", *argv, "--json"],
        env=environment | {"HOME": str(directory)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if run.returncode != 0:
        assert "Traceback" not in run.stderr, run.stderr
        raise Refused(run.stderr.strip() or run.stdout)
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def pull(partner: Partner, directory: Path) -> dict[str, Any]:
    """`cordon pull` into `directory`/targets."""
    root = ("--root", str(partner.credentials.with_name("root.json")))
    where = ("--dir", str(directory / "targets"), "--credentials", str(partner.credentials))
    return run_cordon(directory, "pull", partner.collection, *where, *root)


def cordon(partner: Partner, directory: Path, targets: list[str]) -> dict[str, bytes]:
    try:
        pull(partner, directory)
    except Refused as refused:
        if "\n" in str(refused):
            pytest.fail(f"a person reads one line, not: {refused}")
        raise
    return {path: (directory / "targets" / path).read_bytes() for path in targets}


def stock(fetch: Callable[..., dict[str, bytes]]) -> Client:
    def client(partner: Partner, directory: Path, targets: list[str]) -> dict[str, bytes]:
        base = f"{partner.server}/tuf/{partner.collection}"
        return fetch(base, partner.root, directory, targets, partner.token)

    return client


CLIENTS: dict[str, Client] = {"ngclient": stock(ngclient), "tuf-js": stock(tuf_js), "cordon": cordon}


ALTERED = {  # what each says when the service meets the damage at once, and when it had begun to send
    ("ngclient", "first"): "HTTP 500",
    ("ngclient", "last"): "the connection broke off",
    ("tuf-js", "first"): "Failed to download .*HTTP 500",
    ("tuf-js", "last"): "terminated",
    ("cordon", "first"): "cannot be fetched: Something failed on our side.*HTTP 500, request [0-9a-f-]+",
    ("cordon", "last"): "cannot be fetched: Something failed on our side.*HTTP 500, request [0-9a-f-]+",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("world")
    with published_world(directory, new_database()) as made:
        yield made


@pytest.fixture
def partner(world: World, tmp_path: Path) -> Partner:
    return world.make_partner(tmp_path / "partner")


@pytest.fixture(params=CLIENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(name: str) -> Client:
    return CLIENTS[name]


def digests(contents: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in contents.items()}


def downloaded(directory: Path) -> list[Path]:
    """The target files that a client left for its user."""
    found = (directory / "targets").rglob("*")
    return [path for path in found if path.is_file() and ".cordon" not in path.parts]


def test_every_target_is_verified_downloaded_and_written_down(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    listed = world.listed()
    assert sum(path.startswith("shards/") for path in listed) >= 2
    assert digests(client(partner, tmp_path / "copy", list(listed))) == listed
    with world.stage.database.transaction() as session:
        handed = select(TufTarget.path).join(Download, Download.target_id == TufTarget.id)
        mine = handed.where(Download.actor_id == partner.client_id)
        assert sorted(session.scalars(mine)) == sorted(listed)


def test_a_second_release_is_picked_up(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    before = world.listed()
    client(partner, tmp_path / "copy", list(before))
    with world.stage.database.transaction() as session:
        make_labelled_recording(session, world.stage.vault)
    world.stage.publish()
    after = world.listed()
    assert len(set(after) - set(before)) == 2 + 3  # two clips in shards of their own, and the papers
    assert digests(client(partner, tmp_path / "copy", list(after))) == after


def test_a_pulled_release_verifies_offline_until_a_byte_is_changed(partner: Partner, tmp_path: Path) -> None:
    pull(partner, tmp_path / "copy")
    path = tmp_path / "copy" / "targets"
    assert run_cordon(tmp_path / "copy", "verify", str(path))["good"] is True
    shard = path / SHARD
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(Refused, match=rf'"tampered": \[\s*"{SHARD}"'):
        run_cordon(tmp_path / "copy", "verify", str(path))


def test_a_pull_of_what_is_there_makes_two_requests(world: World, partner: Partner, tmp_path: Path) -> None:
    assert pull(partner, tmp_path / "copy")["unchanged"] is False
    before = world.log.read_text().splitlines()
    again = pull(partner, tmp_path / "copy")
    assert (again["unchanged"], again["requests"], again["fetched_bytes"]) == (True, 2, 0)
    metadata = f"GET /tuf/{partner.collection}/metadata"
    assert world.log.read_text().splitlines()[len(before) :] == [
        "POST /oauth/token 200",
        f"{metadata}/2.root.json 404",
        f"{metadata}/timestamp.json 200",
    ]


def test_a_revoked_grant_opens_nothing(
    world: World, partner: Partner, name: str, client: Client, tmp_path: Path
) -> None:
    listed = world.listed()
    client(partner, tmp_path / "copy", [SHARD])
    with world.stage.database.transaction() as session:
        grants.revoke_grant(session, world.stage.manager, grant_id=partner.grant_id, reason="breach")
    says = "no collection 'firearm-attack' is granted to you" if name == "cordon" else "HTTP 404"
    for directory in ("copy", "fresh"):
        with pytest.raises(Refused, match=says):
            client(partner, tmp_path / directory, list(listed))
    assert downloaded(tmp_path / "fresh") == []
    target = f"{partner.server}/tuf/{partner.collection}/targets/shards/{listed[SHARD]}.000000.tar"
    headers = {"Authorization": f"Bearer {partner.token}"}
    assert requests.get(target, headers=headers, timeout=30).status_code == 404


def test_an_expired_timestamp_is_refused(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    with world.refreshed_at(now() - timedelta(days=3)):
        with pytest.raises(Refused, match=r"(?i)timestamp.* expired"):
            client(partner, tmp_path / "copy", [SHARD])
        assert downloaded(tmp_path / "copy") == []
    assert client(partner, tmp_path / "copy", [SHARD])


@pytest.mark.parametrize("chunk", ["first", "last"])
def test_a_shard_altered_in_the_store_is_refused(
    world: World, partner: Partner, name: str, client: Client, tmp_path: Path, chunk: str
) -> None:
    """By somebody with the disk alone: the service itself does not hand it out."""
    target = world.target(SHARD)
    path = world.stage.settings.home / "objects" / target.blob_key
    sound = path.read_bytes()
    at = 100 if chunk == "first" else len(sound) - 20
    path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
    try:
        with pytest.raises(Refused, match=ALTERED[name, chunk]):
            client(partner, tmp_path / "copy", list(world.listed()))
        assert not any(path.name.endswith("000000.tar") for path in downloaded(tmp_path / "copy"))
    finally:
        path.write_bytes(sound)
    assert client(partner, tmp_path / "copy", [SHARD])


def test_a_shard_replaced_with_the_services_own_keys_is_refused(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    """By somebody with the disk and every key of the service: people's signatures still stand against it."""
    target = world.target(SHARD)
    sound = world.stored(target)
    world.store(target, sound[:-1] + b"x")
    try:
        with pytest.raises(Refused, match=r"(?i)sha-?256|hash"):
            client(partner, tmp_path / "copy", list(world.listed()))
        assert not any(path.name.endswith("000000.tar") for path in downloaded(tmp_path / "copy"))
    finally:
        world.store(target, sound)
    assert client(partner, tmp_path / "copy", [SHARD])
