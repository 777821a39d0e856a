"""The last stages: a partner pulls and verifies, the detector listens, an auditor proves."""

from __future__ import annotations

import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from api import JourneyFailed
from cast import Actor
from service import Commands
from story import COLLECTION, Story


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
    unpacked = _unpack_clips(directory, clips)
    with ThreadPoolExecutor(2) as pool:
        alarms = dict(zip(unpacked, pool.map(lambda clip: _alarms(commands, clip), unpacked), strict=True))
    loudest = max(alarms, key=lambda clip: len(alarms[clip]))
    plot = pictures / "detector-timeline.png"
    commands.run("detect", loudest, "--plot", plot)
    if not plot.exists():
        raise JourneyFailed("the detector drew no timeline")
    total = sum(map(len, alarms.values()))
    times = [f"{a['class'].replace('_', ' ')} at {a['onset']:.2f} s" for a in alarms[loudest]]
    where = f" ({', '.join(times[:4])} of clip {loudest.stem[-6:]})" if times else ""
    story.tell("detected", f"{total} alarm(s) by sound on {len(alarms)} clips{where}", alarms=total)


def _alarms(commands: Commands, clip: Path) -> list[dict[str, Any]]:
    document = json.loads(commands.run("detect", clip, "--json", "-"))
    clip.with_suffix(".detections.json").write_text(json.dumps(document, indent=2))
    return [event for event in document["events"] if event["alarm"]]


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
