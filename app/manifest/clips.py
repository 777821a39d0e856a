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

CLIP_FORMAT = "cordon-clip/2"
# Of releases before footage could be redacted: the same without `footage`. Read, never written.
_FORMER_FORMAT = "cordon-clip/1"
VARIANTS = ("original", "redacted")


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
class Footage:
    """Which footage of the clip is packed: the `original`, or the `redacted` one of the redaction named. A redaction
    beside the original: a person of the force looked and found nothing to hide. `sha256` is the film's, hex."""

    variant: str
    redaction: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class ClipDocument:
    """One clip's place in its recording, and its labels. `time_base` is (numerator, denominator) of a second;
    `footage` is None only in documents of the former format."""

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
    footage: Footage | None = None

    def encode(self) -> bytes:
        """The canonical <key>.json. Raises FormatError for a label that is not inside the clip, or footage that is
        neither."""
        for label in self.labels:
            if label.kind not in ("event", "track", "tag"):
                raise FormatError(f"clip {self.clip}: {label.kind!r} is no kind of label")
            if not self.start_frame <= label.start_frame < label.end_frame <= self.end_frame:
                raise FormatError(f"clip {self.clip}: the label {label.label!r} is not inside the clip")
        document = asdict(self)
        if self.footage is None:
            del document["footage"]
            return canonical.encode({"format": _FORMER_FORMAT, **document})
        if self.footage.variant not in VARIANTS or (
            self.footage.variant == "redacted" and not self.footage.redaction
        ):
            raise FormatError(f"clip {self.clip}: {self.footage.variant!r} is no variant of footage")
        return canonical.encode({"format": CLIP_FORMAT, **document})


def parse_clip(data: bytes) -> ClipDocument:
    """Reads <key>.json. Raises FormatError for anything that `ClipDocument.encode` does not write."""
    document = canonical.decode(data, "the clip's document")
    try:
        if document.pop("format") not in (CLIP_FORMAT, _FORMER_FORMAT):
            raise FormatError(f"the clip's document is not of format {CLIP_FORMAT}")
        footage = Footage(**document.pop("footage")) if "footage" in document else None
        numerator, denominator = document.pop("time_base")
        labels = tuple(
            Label(**{**label, "keyframes": tuple(label["keyframes"])}) for label in document.pop("labels")
        )
        clip = ClipDocument(**document, time_base=(numerator, denominator), labels=labels, footage=footage)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"the clip's document is malformed: {error}") from error
    if clip.encode() != data:
        raise FormatError("the clip's document is malformed")
    return clip


def encode_clip_index(
    shards: Iterable[Shard], splits: Mapping[str, str], variants: Mapping[str, str] | None = None
) -> bytes:
    """The canonical clips.jsonl: a line a clip, in key order: where each member lies, the clip's split and, where
    `variants` says it, the variant of its footage."""
    lines = [
        {
            "key": key,
            "shard": shard.path,
            "split": splits[key],
            "members": [_member(entry) for entry in members],
            **({"variant": variants[key]} if variants else {}),
        }
        for shard in shards
        for key, members in groupby(shard.entries, key=lambda entry: entry.key)
    ]
    return canonical.encode_lines(sorted(lines, key=lambda line: str(line["key"])))


@dataclass(frozen=True, slots=True)
class ClipEntry:
    """A clip of the index: its shard's path, its split, where its members lie in the shard, and the variant of its
    footage ("" in indexes from before there were two)."""

    key: str
    shard: str
    split: str
    members: tuple[IndexEntry, ...]
    variant: str = ""


def parse_clip_index(data: bytes) -> tuple[ClipEntry, ...]:
    """Reads clips.jsonl. Raises FormatError naming the line."""
    entries = []
    for number, document in enumerate(canonical.decode_lines(data, "clips.jsonl"), start=1):
        what = f"clips.jsonl, line {number}"
        fields = canonical.Fields(document, what)
        key = fields.text("key")
        members = tuple(_parse_member(key, member, what) for member in fields.take("members", list))
        variant = fields.text("variant") if "variant" in document else ""
        if variant not in ("", *VARIANTS):
            raise FormatError(f"{what}: {variant!r} is no variant of footage")
        entries.append(ClipEntry(key, fields.text("shard"), fields.text("split"), members, variant))
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
