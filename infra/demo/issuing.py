"""The middle stages: a version is frozen, a release is signed by two people and published, a partner is let in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cast import Actor, Organisations
from service import Commands
from story import COLLECTION, KEY_PASSPHRASE, PURPOSE, READY_SECONDS, Story


def freeze(story: Story, manager: Actor) -> tuple[str, str]:
    """The release manager composes a version from the accepted labels and freezes it; (dataset id, version id)."""
    body = {"slug": COLLECTION, "name": "Firearm attack", "description": "The demonstration's dataset"}
    dataset = manager.api.post("/api/v1/datasets", body)
    # One exercise is never in two splits, and here there is only one: all of it trains.
    splits = {"train": 1, "validation": 0, "test": 0}
    opened = manager.api.call("POST", f"/api/v1/datasets/{dataset['id']}/versions", {"splits": splits})
    version = opened.json()
    path = f"/api/v1/versions/{version['id']}"
    manager.api.call("PUT", f"{path}/items", {"all_accepted": True}, If_Match=opened.headers["ETag"])
    frozen = manager.api.post(f"{path}/freeze")
    manager.api.call("POST", f"{path}/freeze", expect=409)
    story.tell(
        "frozen", f"version {frozen['number']}, digest {frozen['digest'][:16]}…; a second freeze is refused"
    )
    return dataset["id"], version["id"]


def ceremony(
    story: Story, commands: Commands, administrator: Actor, approvers: list[Actor], vault: Path
) -> str:
    """Approvers make keys of their own; three root keys are made, two sign; returns the fingerprint to pin."""
    vault.mkdir(mode=0o700)
    roots = [vault / f"root-{n}.pem" for n in (1, 2, 3)]
    with ThreadPoolExecutor(2) as pool:
        registered = [pool.submit(_register_key, commands, approver) for approver in approvers]
        made = [pool.submit(commands.run, "keys", "new", "--out", root, **KEY_PASSPHRASE) for root in roots]
        for done in (*registered, *made):
            done.result()
    held = commands.json(
        "ceremony",
        COLLECTION,
        "--root-key",
        roots[0],
        "--root-key",
        roots[1],
        "--root-public",
        f"{roots[2]}.pub",
        "--credentials",
        administrator.credentials,
        **KEY_PASSPHRASE,
    )
    story.tell(
        "trust",
        f"root of the collection signed by 2 of 3 offline keys, fingerprint {held['fingerprint'][:16]}…",
    )
    fingerprint: str = held["fingerprint"]
    return fingerprint


def _register_key(commands: Commands, approver: Actor) -> None:
    key = approver.folder / "signing.pem"
    commands.run("keys", "new", "--out", key, **KEY_PASSPHRASE)
    commands.run("keys", "register", "--key", key, "--credentials", approver.credentials, **KEY_PASSPHRASE)


def release(story: Story, commands: Commands, manager: Actor, approvers: list[Actor], version_id: str) -> str:
    """Built by a job, signed by two approvers on their own machines, published; returns the release's id."""
    asked = manager.api.post(
        "/api/v1/releases", {"version_id": version_id, "notes": "The demonstration's release"}
    )
    path = f"/api/v1/releases/{asked['id']}"
    built = manager.api.wait(path, ("built",), seconds=READY_SECONDS, bad=("failed",))
    manager.api.post(f"{path}/request-sign-off")
    manager.api.call("POST", f"{path}/publish", expect=409)  # unsigned: refused
    first = ["sign", asked["id"], "--key", str(approvers[0].folder / "signing.pem"), "--yes"]
    commands.run(*first, "--credentials", approvers[0].credentials, **KEY_PASSPHRASE)
    commands.run(
        *first, "--credentials", approvers[0].credentials, status=1, **KEY_PASSPHRASE
    )  # once a person
    manager.api.call("POST", f"{path}/publish", expect=409)  # one signature: refused
    second = ["sign", asked["id"], "--key", str(approvers[1].folder / "signing.pem"), "--yes"]
    commands.run(*second, "--credentials", approvers[1].credentials, **KEY_PASSPHRASE)
    published = manager.api.post(f"{path}/publish")
    signers = " and ".join(s["person"] for s in published["signatures"])
    story.tell("signed", f"by {signers}; a second signature of one person was refused")
    size = published["total_bytes"] / 1e6
    story.tell(
        "published",
        f"release {published['number']}: {built['clip_count']} clips, {built['shard_count']} shard(s), {size:.1f} MB",
    )
    release_id: str = asked["id"]
    return release_id


def admit(
    story: Story, manager: Actor, approvers: list[Actor], organisations: Organisations, dataset_id: str
) -> None:
    """An agreement with the partner and a grant of the collection, each on the word of two approvers."""
    today = datetime.now(UTC).date()
    agreement = manager.api.post(
        "/api/v1/agreements",
        {
            "organisation_id": organisations.partner,
            "reference": "DSA-2026-001",
            "purposes": [PURPOSE],
            "country": "GB",
            "transfer_ground": "domestic",
            "contact_email": "trust@partner.example",
            "starts_on": today.isoformat(),
            "ends_on": (today + timedelta(days=365)).isoformat(),
        },
    )
    for approver in approvers:
        approver.api.post(f"/api/v1/agreements/{agreement['id']}/approvals")
    grant = manager.api.post(
        "/api/v1/grants",
        {
            "agreement_id": agreement["id"],
            "dataset_id": dataset_id,
            "purpose": PURPOSE,
            "expires_on": (today + timedelta(days=180)).isoformat(),
        },
    )
    for approver in approvers:
        approver.api.post(f"/api/v1/grants/{grant['id']}/approvals")
    story.tell("granted", f"to the partner for {PURPOSE}, until {grant['expires_on']}, by two approvers")
