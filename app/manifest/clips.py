"""Two documents about clips: the index of a release (clips.jsonl) and the labels inside a shard (<key>.json).

Everything cites (recording, frame ordinal, PTS): frames are half-open ordinals of the recording, PTS integers in
`time_base` seconds. No time is ever frame / fps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from app.manifest import canonical
from app.manifest.errors import FormatError
from app.manifest.shards import IndexEntry, Shard

CLIP_FORMAT = "cordon-clip/1"


@dataclass(frozen=True, slots=True)
class Label:
    """An accepted annotation: `event`, `track` (with keyframes) or `tag`, over [start_frame, end_frame)."""

    kind: str
    label: str
    start_frame: int
    end_frame: int
    start_pts: int
    end_pts: int
    keyframes: tuple[Mapping[str, Any], ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClipDocument:
    """One clip's place in its recording, and its labels. `time_base` is (numerator, denominator) of a second."""

    clip: str
    recording: str
    exercise: str
    split: str
    taxonomy: str
    time_base: tuple[int, int]
    start_frame: int
    end_frame: int
    start_pts: int
    end_pts: int
    labels: tuple[Label, ...]

    def encode(self) -> bytes:
        """The canonical <key>.json. Raises FormatError for a label that is not inside the clip."""
        for label in self.labels:
            if label.kind not in ("event", "track", "tag"):
                raise FormatError(f"clip {self.clip}: {label.kind!r} is no kind of label")
            if not self.start_frame <= label.start_frame < label.end_frame <= self.end_frame:
                raise FormatError(f"clip {self.clip}: the label {label.label!r} is not inside the clip")
        return canonical.encode({"format": CLIP_FORMAT, **asdict(self)})


def parse_clip(data: bytes) -> ClipDocument:
    """Reads <key>.json. Raises FormatError for anything that `ClipDocument.encode` does not write."""
    document = canonical.decode(data, "the clip's document")
    try:
        if document.pop("format") != CLIP_FORMAT:
            raise FormatError(f"the clip's document is not of format {CLIP_FORMAT}")
        numerator, denominator = document.pop("time_base")
        labels = tuple(
            Label(**{**label, "keyframes": tuple(label["keyframes"])}) for label in document.pop("labels")
        )
        clip = ClipDocument(**document, time_base=(numerator, denominator), labels=labels)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"the clip's document is malformed: {error}") from error
    if clip.encode() != data:
        raise FormatError("the clip's document is malformed")
    return clip


def encode_clip_index(shards: Iterable[Shard], splits: Mapping[str, str]) -> bytes:
    """The canonical clips.jsonl: a line a clip, in key order: where each member lies, and the clip's split."""
    lines = [
        {
            "key": key,
            "shard": shard.path,
            "split": splits[key],
            "members": [_member(entry) for entry in members],
        }
        for shard in shards
        for key, members in groupby(shard.entries, key=lambda entry: entry.key)
    ]
    return canonical.encode_lines(sorted(lines, key=lambda line: str(line["key"])))


@dataclass(frozen=True, slots=True)
class ClipEntry:
    """A clip of the index: its shard's path, its split, and where its members lie in the shard."""

    key: str
    shard: str
    split: str
    members: tuple[IndexEntry, ...]


def parse_clip_index(data: bytes) -> tuple[ClipEntry, ...]:
    """Reads clips.jsonl. Raises FormatError naming the line."""
    entries = []
    for number, document in enumerate(canonical.decode_lines(data, "clips.jsonl"), start=1):
        what = f"clips.jsonl, line {number}"
        fields = canonical.Fields(document, what)
        key = fields.text("key")
        members = tuple(_parse_member(key, member, what) for member in fields.take("members", list))
        entries.append(ClipEntry(key, fields.text("shard"), fields.text("split"), members))
        fields.end()
    return tuple(entries)


def _member(entry: IndexEntry) -> dict[str, Any]:
    return {"ext": entry.ext, "offset": entry.offset, "size": entry.size, "sha256": entry.sha256}


def _parse_member(key: str, document: object, what: str) -> IndexEntry:
    if not isinstance(document, dict):
        raise FormatError(f"{what}: a member is not an object")
    fields = canonical.Fields(document, what)
    entry = IndexEntry(key, fields.text("ext"), fields.count("offset"), fields.count("size"), fields.sha256())
    fields.end()
    return entry
