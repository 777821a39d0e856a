"""Telemetry: what a camera says of itself, place and time; and that no bytes whatever do more than make a finding."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.gopro import Fix, Payload, Reading, read_payload
from ingest.pipeline import ingest
from ingest.probe import probe
from ingest.tags import Tag, created_of, location_of, read_tags, time_code_of
from ingest.telemetry import Telemetry, _put_together, extract_telemetry
from ingest.workspace import Workspace
from tests.media import gpmf, synthetic

OpenOn = Callable[[Path], Workspace]
PAYLOADS = [
    gpmf.device(
        gpmf.gps5(51.5007, -0.1246, f"24050607080{n + 2}.000"), gpmf.acceleration((0, 0, 981), (300, 400, 0))
    )
    for n in range(3)
]


def told(workspace: Workspace) -> Telemetry:
    return extract_telemetry(workspace, probe(workspace))


def test_a_gopro_tells_camera_place_time_and_motion(tmp_path: Path, open_on: OpenOn) -> None:
    about = gpmf.settings("HERO Test", "C0001")
    source = gpmf.recording(
        tmp_path / "a.mp4", PAYLOADS, about, "-metadata", "creation_time=2024-05-06T09:00:00Z"
    )
    workspace = open_on(source)
    found = told(workspace)
    assert (found.device.name, found.device.model, found.device.serial) == (
        "Test Camera 1",
        "HERO Test",
        "C0001",
    )
    assert [fix.t for fix in found.fixes] == [0, 1, 2]
    assert (found.fixes[1].latitude, found.fixes[1].longitude) == (51.5007, -0.1246)
    assert (found.fixes[1].altitude, found.fixes[1].speed, found.fixes[1].dop) == (12.5, 1.5, 1.54)
    # the satellites' clock comes before the container's
    assert (found.started_at, found.clock) == (datetime(2024, 5, 6, 7, 8, 2, tzinfo=UTC), "gps")
    assert found.created_at == datetime(2024, 5, 6, 9, tzinfo=UTC)
    assert found.acceleration is not None
    assert (found.acceleration.rate, found.acceleration.mean, found.acceleration.peak) == (2.0, 7.405, 9.81)
    assert found.findings == ()
    assert sorted(p.name for p in workspace.path.iterdir()) == ["source", "stderr.txt", "stdout.txt"]


def test_a_track_that_is_left_out_hides_no_telemetry(tmp_path: Path, open_on: OpenOn) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nISO 100\n")
    bare = synthetic.plain(tmp_path / "bare.mp4", seconds=3)
    inputs = ("-i", str(bare), "-i", str(tmp_path / "a.srt"), "-map", "0", "-map", "1")
    synthetic.run_ffmpeg(*inputs, "-c", "copy", "-c:s", "mov_text", str(tmp_path / "a.mp4"))
    assert len(told(open_on(gpmf.recording(tmp_path / "a.mp4", PAYLOADS))).fixes) == 3


def test_later_cameras_say_the_time_of_each_fix() -> None:
    reading = Reading()
    read_payload(Payload(4.0, 1.0, gpmf.device(gpmf.gps9(-33.9, 18.4, 8892, 3600.5))), reading)
    (fix,) = reading.fixes
    assert (fix.t, fix.latitude, fix.longitude, fix.dop) == (4.0, -33.9, 18.4, 1.54)
    assert fix.time == datetime(2024, 5, 6, 1, 0, 0, 500_000, tzinfo=UTC)


def test_without_a_lock_there_is_no_place() -> None:
    reading = Reading()
    read_payload(Payload(0.0, 1.0, gpmf.device(gpmf.gps5(0, 0, "700101000000.000", lock=0))), reading)
    assert (reading.fixes, reading.broken) == ([], 0)


def test_the_containers_words_are_taken_where_there_is_no_track(tmp_path: Path, open_on: OpenOn) -> None:
    found = told(open_on(synthetic.with_personal_metadata(tmp_path / "a.mp4")))
    assert (found.started_at, found.clock) == (datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), "container")
    assert found.time_code == "10:00:00:00"
    assert found.location is not None
    assert (found.location.latitude, found.location.longitude) == (51.5007, -0.1246)
    assert Tag(None, "comment", "serial 42") in found.tags


def test_the_document_is_written_only_where_there_is_something_to_tell(tmp_path: Path) -> None:
    report = ingest(gpmf.recording(tmp_path / "a.mp4", PAYLOADS[:1]), tmp_path / "out")
    document = json.loads((tmp_path / "out" / "telemetry.json").read_text())
    assert document["format"] == "cordon-telemetry/1"
    assert document["started_at"] == "2024-05-06T07:08:02.000Z"
    assert set(document) == {
        "format", "started_at", "clock", "created_at", "time_code", "device", "location", "fixes", "acceleration",
        "tags", "findings",
    }  # fmt: skip
    assert report.rendition("telemetry") is not None
    assert (
        ingest(synthetic.plain(tmp_path / "b.mp4", seconds=0.4), tmp_path / "out").rendition("telemetry")
        is None
    )
    assert not (tmp_path / "out" / "telemetry.json").exists()


def test_broken_telemetry_is_a_finding_and_the_recording_is_taken_in(tmp_path: Path) -> None:
    broken = PAYLOADS[0][:-40] + b"\xff" * 40
    report = ingest(gpmf.recording(tmp_path / "a.mp4", [broken[:-4], PAYLOADS[1]]), tmp_path / "out")
    assert "The telemetry is malformed in places (1), which are left out." in report.findings
    assert len(json.loads((tmp_path / "out" / "telemetry.json").read_text())["fixes"]) >= 1


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from(["location", "creation_time", "timecode", "make"]), st.text(max_size=40))
)
def test_no_tags_do_more_than_say_nothing(words: dict[str, str]) -> None:
    tags = read_tags({"format": {"tags": words}})
    place, when = location_of(tags), created_of(tags)
    assert place is None or abs(place.latitude) <= 90
    assert when is None or when.tzinfo is UTC
    assert len(time_code_of(tags)) <= 14


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("+51.5007-000.1246/", (51.5007, -0.1246, None)),
        ("+33.1268-117.3273+012.5/", (33.1268, -117.3273, 12.5)),
        ("+5130.05-00007.48/", (51.5008333, -0.1246667, None)),
        ("-335455.0+0182512.0CRSWGS_84/", (-33.9152778, 18.42, None)),
        ("+91.0+000.0/", None),
        ("somewhere", None),
    ],
)
def test_places_are_read_by_iso_6709(said: str, expected: tuple[float, float, float | None] | None) -> None:
    place = location_of((Tag(None, "location", said),))
    assert expected == (None if place is None else (place.latitude, place.longitude, place.altitude))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2024-05-06T07:08:09.000000Z", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2024-05-06T09:08:09+0200", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", None),
        ("1904-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+1400", None),
    ],
)
def test_a_clock_that_was_never_set_is_not_believed(said: str, expected: datetime | None) -> None:
    assert created_of((Tag(None, "creation_time", said),)) == expected


def test_fixes_at_impossible_times_are_left_out() -> None:
    reading = Reading(
        fixes=[
            Fix(t, 51.5, -0.1, 0.0, 0.0, None, datetime(2026, 1, 1, tzinfo=UTC)) for t in (1e11, -1e11, 2.0)
        ]
    )
    told = _put_together((), reading, [])
    assert [fix.t for fix in told.fixes] == [2.0]
