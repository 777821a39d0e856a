"""The envelope: every range of every size comes back, and nothing altered comes back at all."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.storage.envelope import (
    CHUNK_SIZE,
    HEADER_SIZE,
    TAG_SIZE,
    IntegrityError,
    Layout,
    decrypt,
    encrypt,
    encrypt_bytes,
    plain_size,
)
from app.storage.local import LocalStore

KEY = bytes(range(32))
CHUNK = 64
NAME = "recordings/1/original"
FAST = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
sizes = st.builds(
    lambda chunks, delta: max(0, chunks * CHUNK + delta), st.integers(0, 4), st.integers(-2, 2)
) | st.integers(0, 5 * CHUNK)


def plaintext(size: int) -> bytes:
    return bytes((i * 7 + i // 251) % 256 for i in range(size))


def stored(store: LocalStore, sealed: bytes, name: str = NAME) -> LocalStore:
    store.put(name, io.BytesIO(sealed))
    return store


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


@FAST
@given(size=sizes, data=st.data())
def test_every_range_comes_back(store: LocalStore, size: int, data: st.DataObject) -> None:
    plain = plaintext(size)
    stored(store, encrypt_bytes(KEY, NAME, plain, chunk=CHUNK))
    start = data.draw(st.integers(0, size + 3))
    end = data.draw(st.none() | st.integers(start, size + 3))
    assert plain_size(store, NAME) == size
    assert decrypt(store, KEY, NAME, start, end).read() == plain[start:end]


@FAST
@given(size=sizes, data=st.data())
def test_any_flipped_bit_is_detected(store: LocalStore, size: int, data: st.DataObject) -> None:
    sealed = bytearray(encrypt_bytes(KEY, NAME, plaintext(size), chunk=CHUNK))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    stored(store, bytes(sealed))
    with pytest.raises(IntegrityError):
        decrypt(store, KEY, NAME).read()


@FAST
@given(size=sizes, data=st.data())
def test_any_truncation_is_detected(store: LocalStore, size: int, data: st.DataObject) -> None:
    sealed = encrypt_bytes(KEY, NAME, plaintext(size), chunk=CHUNK)
    stored(store, sealed[: data.draw(st.integers(0, len(sealed) - 1))])
    with pytest.raises(IntegrityError):
        decrypt(store, KEY, NAME).read()


def test_appended_bytes_are_detected(store: LocalStore) -> None:
    sealed = encrypt_bytes(KEY, NAME, plaintext(3 * CHUNK), chunk=CHUNK)
    for extra in (b"\0", sealed[-CHUNK:], sealed[HEADER_SIZE:]):
        stored(store, sealed + extra)
        with pytest.raises(IntegrityError):
            decrypt(store, KEY, NAME).read()


def test_reordered_chunks_are_detected(store: LocalStore) -> None:
    sealed = encrypt_bytes(KEY, NAME, plaintext(3 * CHUNK), chunk=CHUNK)
    step = CHUNK + TAG_SIZE
    first, second = sealed[HEADER_SIZE:][:step], sealed[HEADER_SIZE:][step : 2 * step]
    stored(store, sealed[:HEADER_SIZE] + second + first + sealed[HEADER_SIZE + 2 * step :])
    with pytest.raises(IntegrityError):
        decrypt(store, KEY, NAME).read()


def test_an_object_moved_to_another_key_is_detected(store: LocalStore) -> None:
    stored(store, encrypt_bytes(KEY, NAME, plaintext(100)), "recordings/2/original")
    with pytest.raises(IntegrityError):
        decrypt(store, KEY, "recordings/2/original").read()


def test_another_data_key_does_not_open_it(store: LocalStore) -> None:
    stored(store, encrypt_bytes(KEY, NAME, plaintext(100)))
    with pytest.raises(IntegrityError):
        decrypt(store, bytes(32), NAME).read()


def test_the_same_bytes_never_look_the_same_twice() -> None:
    first, second = (encrypt_bytes(KEY, NAME, plaintext(500)) for _ in range(2))
    assert first[HEADER_SIZE:] != second[HEADER_SIZE:]


def test_a_range_reads_only_the_chunks_it_touches(tmp_path: Path) -> None:
    sealed = bytearray(encrypt_bytes(KEY, NAME, plaintext(10 * CHUNK), chunk=CHUNK))
    for index in (0, 1, 2, 5, 6, 7, 8, 9):  # damage all but chunks 3 and 4
        sealed[Layout(len(sealed), CHUNK).offset(index)] ^= 1
    store = stored(LocalStore(tmp_path), bytes(sealed))
    expected = plaintext(10 * CHUNK)[3 * CHUNK : 5 * CHUNK]
    assert decrypt(store, KEY, NAME, 3 * CHUNK, 5 * CHUNK).read() == expected


def test_short_reads_of_the_source_change_nothing(store: LocalStore) -> None:
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(7, size or 0))

    plain = plaintext(1000)
    stored(store, b"".join(encrypt(KEY, NAME, Dribble(plain), chunk=CHUNK)))
    assert decrypt(store, KEY, NAME).read() == plain


@FAST
@given(steps=st.lists(st.integers(0, 3 * CHUNK), max_size=12))
def test_reads_of_any_lengths_join_to_the_whole(store: LocalStore, steps: list[int]) -> None:
    plain = plaintext(5 * CHUNK + 3)
    stored(store, encrypt_bytes(KEY, NAME, plain, chunk=CHUNK))
    with decrypt(store, KEY, NAME) as reader:
        parts = [reader.read(step) for step in steps]
        assert [len(p) for p in parts] == [
            min(step, max(0, len(plain) - sum(steps[:i]))) for i, step in enumerate(steps)
        ]
        assert b"".join(parts) + reader.read() == plain


def test_something_else_is_refused(store: LocalStore) -> None:
    stored(store, b"not an envelope, yet long enough to hold a header")
    with pytest.raises(IntegrityError, match="known version"):
        decrypt(store, KEY, NAME)


def test_the_default_chunk_is_worth_its_tag() -> None:
    assert len(encrypt_bytes(KEY, NAME, plaintext(CHUNK_SIZE))) == CHUNK_SIZE + HEADER_SIZE + TAG_SIZE
