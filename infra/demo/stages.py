"""The stages of the way, one function each. Every stage needs what the one before it made."""

from __future__ import annotations

import json
import tarfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api import Api, JourneyFailed
from cast import Actor, Organisations
from service import Commands

COLLECTION = "firearm-attack"
READY_SECONDS = 240
TASK_SECONDS = 60
KEY_PASSPHRASE = {"CORDON_KEY_PASSPHRASE": "the demonstration's own passphrase"}
PURPOSE = "detector-development"


@dataclass
class Story:
    """What has happened so far, for the summary."""

    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self, heading: str, text: str, **facts: Any) -> None:
        self.facts |= facts
        print(f"  {heading:<11} {text}", flush=True)


def upload(story: Story, commands: Commands, officer: Actor, footage: Path) -> list[str]:
    """The officer registers an exercise and hands over the footage; returns the ids of the ready recordings."""
    exercise = officer.api.post(
        "/api/v1/exercises",
        {
            "title": "Demonstration exercise",
            "held_on": datetime.now(UTC).date().isoformat(),
            "venue": "range",
            "scenario": "An armed person moves through a building; officers respond.",
            "weapons": ["blank_fire"],
            "lighting": "daylight",
            "lawful_basis": "Consent of all participants, DPA 2018 s.35(2)(a)",
            "consent_record": "demonstration/consent.pdf",
            "retention_category": "training_1y",
        },
    )
    # Status 1 says that a file was refused: the story tells which, and goes on with the others.
    report = json.loads(
        commands.run(
            "upload",
            footage,
            "--exercise",
            exercise["id"],
            "--wait",
            "--json",
            "--credentials",
            officer.credentials,
            status=(0, 1),
        )
    )
    (officer.folder / "upload.json").write_text(json.dumps(report, indent=2))
    recordings = _recordings(officer.api, exercise["id"])
    if not recordings:
        raise JourneyFailed(f"nothing was uploaded: {json.dumps(report)[:800]}")
    sent = sum(r["size"] for r in recordings)
    story.tell("uploaded", f"{len(recordings)} recording(s), {sent / 1e6:.1f} MB, received and hashed")
    for file in report:
        if file["recording_id"] is None or file["state"] != "ready":
            story.tell("not used", f"{Path(file['path']).name}: {file['reason'] or file['state']}")
    return _ready(story, officer.api, [r["id"] for r in recordings])


def _recordings(api: Api, exercise_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/api/v1/recordings?exercise={exercise_id}&limit=200")["items"]
    return found


def _ready(story: Story, api: Api, ids: list[str]) -> list[str]:
    ready, refused = [], []
    for recording_id in ids:
        found = api.wait(f"/api/v1/recordings/{recording_id}", ("ready", "rejected"), seconds=READY_SECONDS)
        (ready if found["state"] == "ready" else refused).append(found)
    if not ready:
        raise JourneyFailed(f"no recording became ready: {[r.get('reason') for r in refused]}")
    clips = sum(len(api.get(f"/api/v1/recordings/{r['id']}/clips?limit=200")["items"]) for r in ready)
    frames = sum(r["frame_count"] for r in ready)
    seconds = sum(r["duration_seconds"] for r in ready)
    story.tell("ingested", f"{frames} frames ({seconds:.1f} s) accounted for, {clips} clips", clips=clips)
    for r in refused:
        story.tell("refused", f"{r['filename']}: {r['reason']}")
    return [r["id"] for r in ready]


def label(story: Story, annotator: Actor, reviewer: Actor, clips: int) -> None:
    """The annotator labels every clip: an event, a track, a tag; the reviewer returns one and accepts all."""
    labels = 0
    for _ in range(clips):
        labels += _label_one(annotator, *_next_assignment(annotator))
    returned = _review(annotator, reviewer, clips)
    text = f"{labels} labels on {clips} clips, {returned} sent back once, all accepted by a second person"
    story.tell("labelled", text, labels=labels)


def _next_assignment(annotator: Actor) -> tuple[dict[str, Any], str]:
    """The next clip and its ETag; tasks are opened by a job shortly after a recording is ready."""
    deadline = time.monotonic() + TASK_SECONDS
    while time.monotonic() < deadline:
        answer = annotator.api.take("/api/v1/assignments/next")
        if answer is not None and answer.json()["state"] in ("open", "in_progress"):
            return answer.json(), answer.headers["ETag"]
        time.sleep(0.3)
    raise JourneyFailed(f"no clip to label after {TASK_SECONDS} s")


def _label_one(annotator: Actor, assignment: dict[str, Any], etag: str) -> int:
    clip = assignment["clip"]
    start, end = clip["start_frame"], clip["end_frame"]
    middle = (start + end) // 2
    annotations = [
        {"kind": "tag", "label": "first_person_view", "start_frame": start, "end_frame": end},
        {"kind": "event", "label": "gunshot", "start_frame": middle, "end_frame": min(end, middle + 4)},
        {
            "kind": "track",
            "label": "long_gun",
            "start_frame": start,
            "end_frame": end,
            "keyframes": [
                {"frame": start, "box": [0.4, 0.5, 0.2, 0.3]},
                {"frame": end - 1, "box": [0.5, 0.5, 0.2, 0.3]},
            ]
            if end - start > 1
            else [{"frame": start, "box": [0.4, 0.5, 0.2, 0.3]}],
        },
    ]
    path = f"/api/v1/assignments/{assignment['id']}"
    saved = annotator.api.call("PUT", f"{path}/annotations", {"annotations": annotations}, If_Match=etag)
    annotator.api.call("POST", f"{path}/submit", If_Match=saved.headers["ETag"])
    return len(annotations)


def _review(annotator: Actor, reviewer: Actor, clips: int) -> int:
    """The first is returned with a reason and submitted again; then everything is accepted."""
    waiting = reviewer.api.get("/api/v1/assignments?state=submitted&limit=200")["items"]
    first = f"/api/v1/assignments/{waiting[0]['id']}"
    etag = reviewer.api.call("GET", first).headers["ETag"]
    reviewer.api.call(
        "POST", f"{first}/return", {"reason": "Please check the shot's first frame."}, If_Match=etag
    )
    etag = annotator.api.call("GET", first).headers["ETag"]
    annotator.api.call("POST", f"{first}/submit", If_Match=etag)
    accepted = 0
    while waiting := reviewer.api.get("/api/v1/assignments?state=submitted&limit=200")["items"]:
        for item in waiting:
            path = f"/api/v1/assignments/{item['id']}"
            etag = reviewer.api.call("GET", path).headers["ETag"]
            reviewer.api.call("POST", f"{path}/accept", If_Match=etag)
            accepted += 1
    if accepted != clips:
        raise JourneyFailed(f"{accepted} of {clips} clips were accepted")
    return 1


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
    for approver in approvers:
        key = approver.folder / "signing.pem"
        commands.run("keys", "new", "--out", key, **KEY_PASSPHRASE)
        commands.run(
            "keys", "register", "--key", key, "--credentials", approver.credentials, **KEY_PASSPHRASE
        )
    vault.mkdir(mode=0o700)
    roots = [vault / f"root-{n}.pem" for n in (1, 2, 3)]
    for root in roots:
        commands.run("keys", "new", "--out", root, **KEY_PASSPHRASE)
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


def fetch(story: Story, commands: Commands, partner: Path, fingerprint: str, directory: Path) -> None:
    """The partner lists, pulls, verifies offline; a copy with one bit changed is refused."""
    environment = {"CORDON_CREDENTIALS": str(partner)}
    listed = commands.json("list", **environment)
    releases = listed["items"] if isinstance(listed, dict) else listed
    if len(releases) != 1:
        raise JourneyFailed(f"the partner sees {len(releases)} releases")
    commands.run("pull", COLLECTION, "--dir", directory, "--fingerprint", fingerprint, **environment)
    commands.run("verify", directory, "--fingerprint", fingerprint)
    pulled = sum(f.stat().st_size for f in directory.rglob("*") if f.is_file())
    shard = next(directory.rglob("*.tar"))
    whole = shard.read_bytes()
    shard.chmod(0o600)
    shard.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    commands.run("verify", directory, status=1)
    shard.write_bytes(whole)
    commands.run("verify", directory)
    story.tell(
        "pulled",
        f"{pulled / 1e6:.1f} MB, verified by TUF; with one bit changed the copy was refused",
        pulled=pulled,
    )


def detect(story: Story, commands: Commands, directory: Path, pictures: Path) -> None:
    """The reference detector runs on every clip of the release, and draws the timeline of the one with most alarms."""
    clips = directory.parent / "clips"
    clips.mkdir()
    alarms: dict[Path, list[dict[str, Any]]] = {}
    for clip in _unpack_clips(directory, clips):
        document = json.loads(commands.run("detect", clip, "--json", "-"))
        alarms[clip] = [event for event in document["events"] if event["alarm"]]
        (clip.with_suffix(".detections.json")).write_text(json.dumps(document, indent=2))
    loudest = max(alarms, key=lambda clip: len(alarms[clip]))
    plot = pictures / "detector-timeline.png"
    commands.run("detect", loudest, "--plot", plot)
    if not plot.exists():
        raise JourneyFailed("the detector drew no timeline")
    total = sum(map(len, alarms.values()))
    times = [f"{a['class'].replace('_', ' ')} at {a['onset']:.2f} s" for a in alarms[loudest]]
    where = f" ({', '.join(times[:4])} of clip {loudest.stem[-6:]})" if times else ""
    story.tell("detected", f"{total} alarm(s) by sound on {len(alarms)} clips{where}", alarms=total)


def _unpack_clips(directory: Path, target: Path) -> list[Path]:
    """Takes the clips out of the shards."""
    clips = []
    for shard in sorted(directory.rglob("*.tar")):
        with tarfile.open(shard) as archive:
            for member in archive:
                opened = archive.extractfile(member)
                if member.name.endswith(".mp4") and opened is not None:
                    clips.append(target / Path(member.name).name)
                    clips[-1].write_bytes(opened.read())
    return clips


def prove(story: Story, commands: Commands, auditor: Actor, release_id: str, folder: Path) -> None:
    """The auditor takes the proof of the publication and verifies it offline; the whole log is verified too."""
    events = auditor.api.get(f"/api/v1/audit/events?tag=release:published&subject_id={release_id}")["items"]
    if len(events) != 1:
        raise JourneyFailed(f"the log has {len(events)} entries of the publication")
    path = f"/api/v1/audit/events/{events[0]['id']}/proof"
    answer = auditor.api.poll(path, seconds=10, until=lambda a: a.ok)
    bundle = folder / "publication.tlog-proof"
    bundle.write_bytes(answer.content)
    key = Path(commands.environment["CORDON_HOME"]) / "keys" / "checkpoint.key.pub"
    commands.run("audit", "verify", bundle, "--key", key)
    commands.run("audit", "verify")
    story.tell(
        "proved",
        f"publication is in the signed log (offline proof, {len(answer.content)} bytes); whole log verified",
    )
