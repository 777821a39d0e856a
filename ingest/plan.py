"""What is known of a recording before it is coded: enough for any worker to code any part of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ingest.boxes import picture_descriptions
from ingest.chunks import Chunk, cut_chunks, wants_cutting
from ingest.conform import groups_conform, looks_conforming
from ingest.hashes import digests_of
from ingest.measure import Measured, measure
from ingest.packets import Packets
from ingest.probe import Probe, probe
from ingest.profiles import Profile
from ingest.seams import keep_whole_seams
from ingest.streams import AudioStream, Colour, VideoStream
from ingest.units import Units, read_units
from ingest.workspace import Workspace

PLAN_NAME, PACKETS_NAME = "plan.json", "packets.npz"
_NOTHING_HEARD = "The sound track holds nothing that can be decoded and is left out."


@dataclass(frozen=True, slots=True)
class Plan:
    """A probed, measured source and the chunks it is coded in.

    `md5` is the source's; `copied` says that its pictures are good as the master's.
    """

    md5: str
    source: Probe
    measured: Measured
    chunks: tuple[Chunk, ...]
    copied: bool

    @property
    def frames(self) -> int:
        """Pictures to code, as the container lists them."""
        return sum(chunk.frames for chunk in self.chunks)

    @property
    def seconds(self) -> float:
        """Length of the pictures in seconds, from the first that decodes to the end of the last."""
        times = self.source.packets.seconds(self.measured.zero)
        return float(times[-1] + (np.median(np.diff(times)) if len(times) > 1 else 0))

    def frames_of(self, step: str) -> int:
        """Pictures that a step codes; 0 for the sound's."""
        return sum(chunk.frames for chunk in self.chunks if chunk.name == step)

    def seconds_of(self, chunk: Chunk) -> float:
        """Length of a chunk in seconds, as the container tells it."""
        end = int(self.source.packets.pts[-1]) if chunk.end_pts is None else chunk.end_pts
        return float((end - chunk.start_pts) * self.source.video.time_base)

    def with_findings(self, findings: tuple[str, ...]) -> Plan:
        """The same with more sentences worth showing."""
        return replace(self, source=replace(self.source, findings=(*self.source.findings, *findings)))

    def write(self, folder: Path) -> None:
        """Write `plan.json` and `packets.npz`."""
        document = asdict(self)
        packets = document["source"].pop("packets")
        (folder / PLAN_NAME).write_text(json.dumps(document, default=str))
        arrays = {name: packets[name] for name in ("pts", "key", "clean")}
        facts = {name: packets[name] for name in ("total", "broken_off", "led_in")}
        np.savez_compressed(folder / PACKETS_NAME, time_base=str(packets["time_base"]), **facts, **arrays)

    @classmethod
    def read(cls, folder: Path) -> Plan:
        """Read what `write` wrote."""
        document: dict[str, Any] = json.loads((folder / PLAN_NAME).read_text())
        source = document["source"]
        return cls(
            md5=document["md5"],
            source=Probe(
                **source
                | {
                    "video": _video(source["video"]),
                    "audio": AudioStream(**source["audio"]) if source["audio"] else None,
                    "telemetry": tuple(source["telemetry"]),
                    "findings": tuple(source["findings"]),
                    "packets": _packets(folder / PACKETS_NAME),
                }
            ),
            measured=Measured(**document["measured"]),
            chunks=tuple(Chunk(**chunk) for chunk in document["chunks"]),
            copied=document["copied"],
        )


def make_plan(workspace: Workspace, profile: Profile, md5: str | None = None) -> Plan:
    """Probe and measure the source and decide where it is cut; `md5` saves computing it. Raises FileRejected."""
    source = probe(workspace)
    measured = measure(workspace, source)
    if source.audio and not measured.heard:
        source = replace(source, audio=None, findings=(*source.findings, _NOTHING_HEARD))
    likely = looks_conforming(source, workspace.source.stat().st_size, profile)
    units = Units()
    if likely or wants_cutting(source.packets, source.container, profile):
        units = read_units(workspace, source, sets=likely)
        source = replace(source, packets=units.keep_fresh_starts(source.packets))
    chunks = cut_chunks(source.packets, source.container, profile)
    chunks = keep_whole_seams(workspace, source, chunks, measured.picture_bytes)
    digest = md5 or digests_of(workspace.source, "md5")["md5"]
    copied = likely and groups_conform(source, profile) and _one_coding(workspace, source, units)
    return Plan(digest, source, measured, chunks, copied)


def _one_coding(workspace: Workspace, source: Probe, units: Units) -> bool:
    return picture_descriptions(workspace.source) <= 1 and units.same_parameters(source.packets)


def _video(stored: dict[str, Any]) -> VideoStream:
    fractions = {name: Fraction(stored[name]) for name in ("sar", "time_base", "average_rate")}
    return VideoStream(**stored | fractions | {"colour": Colour(**stored["colour"])})


def _packets(path: Path) -> Packets:
    with np.load(path) as stored:
        return Packets(
            total=int(stored["total"]),
            time_base=Fraction(str(stored["time_base"])),
            pts=stored["pts"],
            key=stored["key"],
            clean=stored["clean"],
            broken_off=bool(stored["broken_off"]),
            led_in=bool(stored["led_in"]),
        )
