from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from app.core.ids import new_id
from app.uploads.routes import metadata, tus
from app.uploads.routes.headers import BadHeader, number


def _encoded(**said: str) -> Headers:
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    return Headers({"Upload-Metadata": ",".join(pairs)})


def test_metadata_says_what_a_file_is() -> None:
    exercise = new_id()
    declared = metadata.declared(
        _encoded(
            exercise=str(exercise),
            filename="körper.mp4",
            filetype="video/mp4",
            sha256="ab" * 32,
            camera="Axon 3",
            started_at="2026-03-14T20:00:00+01:00",
            relativePath="ignored",
        )
    )
    assert declared.exercise_id == exercise
    assert declared.filename == "körper.mp4"
    assert declared.sha256 == b"\xab" * 32
    assert declared.started_at is not None
    assert declared.started_at.utcoffset() is not None


def test_metadata_takes_every_detail_and_the_usual_clients_own_keys() -> None:
    """Uppy sends name, type and relativePath as well, and empty values for what is not filled in."""
    declared = metadata.declared(
        _encoded(
            exercise=str(new_id()),
            name="a.mp4",
            type="video/mp4",
            relativePath="card/a.mp4",
            clock_offset_seconds="-40.5",
            viewpoint="attacker_role",
            reference=" E/1 ",
            notes="",
            camera="  ",
        )
    )
    assert (declared.filename, declared.media_type) == ("a.mp4", "video/mp4")
    assert (declared.clock_offset_seconds, declared.viewpoint) == (-40.5, "attacker_role")
    assert (declared.reference, declared.notes, declared.camera) == ("E/1", None, None)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({}, "unnamed"),
        ({"filename": "  "}, "unnamed"),
        ({"filename": " ", "name": "b.mp4"}, "b.mp4"),
        ({"filename": " a b.mp4 "}, "a b.mp4"),
        ({"filename": "D:\\card\\DCIM\\a.mp4"}, "a.mp4"),
        ({"filename": "card/../a.mp4"}, "a.mp4"),
        ({"filename": "...mp4"}, "...mp4"),
    ],
)
def test_a_file_is_called_by_its_own_name(said: dict[str, str], name: str) -> None:
    assert metadata.declared(_encoded(exercise=str(new_id()), **said)).filename == name


@pytest.mark.parametrize(
    "headers",
    [
        Headers(),
        Headers({"Upload-Metadata": "exercise %%%"}),
        Headers({"Upload-Metadata": "exercise " + base64.b64encode(b"\xff\xfe").decode()}),
        _encoded(exercise="not an id"),
        _encoded(exercise=str(new_id()), sha256="abcd"),
        _encoded(exercise=str(new_id()), sha256="zz" * 32),
        _encoded(exercise=str(new_id()), started_at="yesterday"),
        _encoded(exercise=str(new_id()), started_at="2026-03-14T20:00:00"),
        _encoded(exercise=str(new_id()), started_at="1815-06-18T11:30:00+00:00"),
        _encoded(exercise=str(new_id()), clock_offset_seconds="fast"),
        _encoded(exercise=str(new_id()), clock_offset_seconds="nan"),
        _encoded(exercise=str(new_id()), clock_offset_seconds="316310401"),
        _encoded(exercise=str(new_id()), viewpoint="above"),
        _encoded(exercise=str(new_id()), reference="r" * 201),
        _encoded(exercise=str(new_id()), filename="a\x00b"),
        _encoded(exercise=str(new_id()), filename="a" * 1001),
        _encoded(exercise=str(new_id()), **{"a\tb": "c"}),
        _encoded(exercise=str(new_id()), filename=".."),
        _encoded(exercise=str(new_id()), filename="card/.."),
        _encoded(exercise=str(new_id()), name="/"),
        _encoded(exercise=str(new_id()), filename="a\nb.mp4"),
        _encoded(exercise=str(new_id()), filename="a\x1b[2Jb.mp4"),
        _encoded(exercise=str(new_id()), filename="a\u2028b.mp4"),
    ],
)
def test_metadata_that_says_nothing_usable_is_refused(headers: Headers) -> None:
    with pytest.raises(BadHeader):
        metadata.declared(headers)


@pytest.mark.parametrize("raw", ["", "-1", "1.5", "٣", "9" * 20, str(2**63), "0x10", " 1"])
def test_numbers_are_plain_and_bounded(raw: str) -> None:
    with pytest.raises(BadHeader):
        number(Headers({"Upload-Offset": raw}), "Upload-Offset")


@pytest.mark.parametrize("raw", ["md5 AAAA", "sha256", "sha256 AAAA", "sha1 %%%", "crc32 AAAA"])
def test_a_checksum_that_cannot_hold_is_refused(raw: str) -> None:
    with pytest.raises(BadHeader):
        tus.checksum(Headers({"Upload-Checksum": raw}))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=200))
def test_any_header_is_understood_or_refused(raw: str) -> None:
    for read in (metadata.declared, tus.checksum, tus.upload_length):
        with suppress(BadHeader):
            read(Headers({"Upload-Metadata": raw, "Upload-Checksum": raw, "Upload-Length": raw}))
