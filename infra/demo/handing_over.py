"""The first stages: an officer hands footage over, an annotator labels it, a reviewer accepts."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api import Api, JourneyFailed
from cast import Actor
from service import Commands
from story import READY_SECONDS, Story

TASK_SECONDS = 60


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
    for file in report["files"]:
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


def review(story: Story, officer: Actor, recordings: list[str]) -> None:
    """The officer watches what may leave, and confirms that it may."""
    confirmed = {"training": True, "tactics": True, "people": "none_needed"}
    for recording_id in recordings:
        officer.api.post(f"/api/v1/recordings/{recording_id}/sensitivity-review", confirmed)
    story.tell(
        "reviewed", f"{len(recordings)} recording(s): training, tactics and people confirmed by the force"
    )


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
