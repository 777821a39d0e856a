"""release.json, manifest.jsonl, clips.jsonl and a clip's labels: one byte form, strictly read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.manifest import canonical
from app.manifest.clips import ClipDocument, Footage, Label, encode_clip_index, parse_clip, parse_clip_index
from app.manifest.errors import FormatError
from app.manifest.listing import FileEntry, encode_manifest, parse_manifest
from app.manifest.release import Release, parse_release, release_path
from app.manifest.shards import pack_shards
from tests.factories.collection import memory_sink, samples

paths = st.from_regex(r"[a-z0-9_-]{1,8}(/[a-z0-9_-]{1,8}){0,3}", fullmatch=True)
entries = st.builds(
    FileEntry, paths, st.integers(0, 2**50), st.binary(min_size=32, max_size=32).map(bytes.hex)
)

RELEASE = Release(
    release_id="release-1",
    collection="firearm-attack",
    number=1,
    dataset_version="version-1",
    taxonomy="firearm-attack 1.0",
    created_at="2026-01-01T00:00:00+00:00",
    clips=2,
    shards=1,
    total_bytes=10,
    splits={"train": 2},
    notes="Größe: 1",
    manifest=FileEntry("releases/release-1/manifest.jsonl", 5, "0" * 64),
)
LABEL = Label("event", "gunshot", 110, 112, 1100, 1120, (), {"confidence": 1})
CLIP = ClipDocument(
    "clip-1", "recording-1", "exercise-1", "train", "t 1.0", (1, 90000), 100, 200, 1000, 2000, (LABEL,)
)


@settings(max_examples=50)
@given(st.lists(entries, unique_by=lambda entry: entry.path))
def test_a_manifest_is_read_as_it_was_written(listed: list[FileEntry]) -> None:
    data = encode_manifest(listed)
    assert parse_manifest(data) == tuple(sorted(listed))
    assert encode_manifest(reversed(listed)) == data


@settings(max_examples=50)
@given(st.lists(entries, unique_by=lambda entry: entry.path, min_size=1), st.data())
def test_no_other_bytes_are_a_manifest(listed: list[FileEntry], data: st.DataObject) -> None:
    encoded = bytearray(encode_manifest(listed))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    try:
        parsed = parse_manifest(bytes(encoded))
    except FormatError:
        return
    assert encode_manifest(parsed) == bytes(encoded)


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a//b", "a/../b", ".hidden", "a/.b", "a b", "a\\b", "", "a" * 201, "a\n"]
)
def test_an_unsafe_path_is_refused(path: str) -> None:
    with pytest.raises(FormatError, match="not a path"):
        encode_manifest([FileEntry(path, 1, "0" * 64)])


def test_a_path_given_twice_is_refused() -> None:
    entry = FileEntry("a", 1, "0" * 64)
    with pytest.raises(FormatError, match="stands twice"):
        encode_manifest([entry, replace(entry, length=2)])
    line = encode_manifest([entry])
    with pytest.raises(FormatError, match="stands twice"):
        parse_manifest(line + line)


def test_a_release_is_read_as_it_was_written() -> None:
    assert parse_release(RELEASE.encode()) == RELEASE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "cordon-release/2"}, "of format 'cordon-release/2'"),
        ({"clips": "2"}, "'clips' must be of type int"),
        ({"clips": True}, "'clips' must be of type int"),
        ({"shards": -1}, "'shards' must not be negative"),
        ({"surprise": 1}, "unknown member 'surprise'"),
        ({"created_at": "yesterday"}, "not a time with its zone"),
        ({"created_at": "2026-01-01T00:00:00"}, "not a time with its zone"),
        ({"splits": {"train": "all"}}, "'train' must be of type int"),
        ({"release_id": "release-2"}, "the manifest is not the release's own"),
        ({"release_id": "../x"}, "cannot be a release's id"),
    ],
)
def test_a_malformed_release_is_refused(change: dict[str, Any], message: str) -> None:
    document = json.loads(RELEASE.encode()) | change
    with pytest.raises(FormatError, match=message):
        parse_release(canonical.encode(document))


@pytest.mark.parametrize("data", [b"", b"[]\n", b"{}\n", b"{", b"\xff", b'{"a": 1}\n', b"[" * 100_000])
def test_junk_is_no_release(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"release\.json"):
        parse_release(data)


def test_a_release_lacks_nothing() -> None:
    for name in json.loads(RELEASE.encode()):
        document = json.loads(RELEASE.encode())
        del document[name]
        with pytest.raises(FormatError, match=f"lacks '{name}'"):
            parse_release(canonical.encode(document))


def test_numbers_that_json_has_not_are_refused() -> None:
    with pytest.raises(FormatError, match="not JSON"):
        canonical.encode({"a": float("nan")})
    with pytest.raises(FormatError, match="not JSON"):
        canonical.encode({"a": "\ud800"})


REDACTED = Footage("redacted", "redaction-1", "ab" * 32)


@pytest.mark.parametrize(
    ("footage", "form"),
    [
        (None, "cordon-clip/1"),
        (REDACTED, "cordon-clip/2"),
        (Footage("original", None, "ab" * 32), "cordon-clip/2"),
    ],
)
def test_a_clip_is_read_as_it_was_written(footage: Footage | None, form: str) -> None:
    clip = replace(CLIP, footage=footage)
    assert json.loads(clip.encode())["format"] == form
    assert parse_clip(clip.encode()) == clip


@pytest.mark.parametrize("change", [{"variant": "blurred"}, {"redaction": None}])
def test_footage_is_the_original_or_a_named_redaction(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="no variant"):
        replace(CLIP, footage=replace(REDACTED, **change)).encode()


def test_a_clip_does_not_pass_off_one_format_as_the_other() -> None:
    """Footage is never taken away, or put in, without the format saying so."""
    document = json.loads(replace(CLIP, footage=REDACTED).encode())
    without = {name: value for name, value in document.items() if name != "footage"}
    for forged in (document | {"format": "cordon-clip/1"}, without):
        with pytest.raises(FormatError, match="malformed"):
            parse_clip(canonical.encode(forged))


@pytest.mark.parametrize(
    "label",
    [
        replace(LABEL, start_frame=99),
        replace(LABEL, end_frame=201),
        replace(LABEL, end_frame=110),
        replace(LABEL, kind="guess"),
    ],
)
def test_a_label_outside_its_clip_is_refused(label: Label) -> None:
    with pytest.raises(FormatError, match="clip-1"):
        replace(CLIP, labels=(label,)).encode()


@pytest.mark.parametrize(
    "change", [{"format": "x"}, {"time_base": [1]}, {"labels": [{}]}, {"labels": 3}, {"more": 1}]
)
def test_a_malformed_clip_is_refused(change: dict[str, Any]) -> None:
    document = json.loads(CLIP.encode()) | change
    with pytest.raises(FormatError, match="the clip's document"):
        parse_clip(canonical.encode(document))


def test_the_clip_index_names_where_each_member_lies() -> None:
    written: dict[str, bytes] = {}
    shards = list(pack_shards(samples(5), memory_sink(written), max_bytes=8192))
    splits = {f"clip-{n:04d}": "train" if n else "validation" for n in range(5)}
    clips = parse_clip_index(encode_clip_index(shards, splits))
    assert {clip.variant for clip in clips} == {""}
    data = encode_clip_index(shards, splits, dict.fromkeys(splits, "redacted"))
    clips = parse_clip_index(data)
    assert {clip.variant for clip in clips} == {"redacted"}
    with pytest.raises(FormatError, match="no variant"):
        parse_clip_index(data.replace(b'"redacted"', b'"replaced"', 1))
    assert [clip.key for clip in clips] == sorted(splits)
    assert [clip.split for clip in clips] == ["validation", *["train"] * 4]
    assert clips[3].members[0] in next(shard for shard in shards if shard.path == clips[3].shard).entries
    with pytest.raises(FormatError, match=r"clips\.jsonl, line 1 lacks"):
        parse_clip_index(b"{}\n")


def test_a_release_path_is_the_releases_own() -> None:
    assert release_path("r-1", "clips.jsonl") == "releases/r-1/clips.jsonl"
