from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.ids import new_id
from app.uploads.service import staging as module
from app.uploads.service.errors import StagingLost, UploadLocked
from app.uploads.service.staging import Staging


def test_bytes_are_private_and_blocks_are_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_SIZE", 8)
    staging, upload_id = Staging(tmp_path / "uploads"), new_id()
    with staging.hold(upload_id, insist=False) as file:
        file.resume(0)
        file.append(memoryview(b"0123456789abcdefXYZ"))
        assert file.take_blocks() == [
            (0, hashlib.sha256(b"01234567").digest()),
            (1, hashlib.sha256(b"89abcdef").digest()),
        ]
        assert file.take_blocks(last=True) == [(2, hashlib.sha256(b"XYZ").digest())]
    assert staging.path(upload_id).read_bytes() == b"0123456789abcdefXYZ"
    assert stat.S_IMODE(staging.path(upload_id).stat().st_mode) == 0o600
    assert stat.S_IMODE(staging.directory.stat().st_mode) == 0o700
    assert staging.listed() == [upload_id]


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=5), aside=st.integers(1, 20))
def test_wherever_it_was_cut_the_digests_are_those_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int], aside: int
) -> None:
    staging, upload_id = Staging(tmp_path_factory.mktemp("staging")), new_id()
    blocks: list[tuple[int, bytes]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_SIZE", 16)
        patch.setattr(module, "READ_SIZE", 8)
        patch.setattr(module, "ASIDE_SIZE", aside)  # some pieces are hashed beside their writing
        acknowledged = 0
        for cut in sorted(min(cut, len(data)) for cut in [*cuts, len(data)]):
            with staging.hold(upload_id, insist=False) as file:
                file.resume(acknowledged)
                file.append(memoryview(data[acknowledged:cut]))
                blocks += file.take_blocks(last=cut == len(data) and cut > acknowledged)
                file.append(memoryview(b"never acknowledged"))
            acknowledged = cut
    with staging.hold(upload_id, insist=False) as file:
        file.resume(len(data))
    assert staging.path(upload_id).read_bytes() == data
    wanted = {n // 16: hashlib.sha256(data[n : n + 16]).digest() for n in range(0, len(data), 16)}
    whole = {n: digest for n, digest in blocks if n < len(data) // 16}
    assert whole == {n: digest for n, digest in wanted.items() if n < len(data) // 16}


def test_fewer_bytes_than_were_acknowledged_is_said(tmp_path: Path) -> None:
    staging, upload_id = Staging(tmp_path), new_id()
    with staging.hold(upload_id, insist=False) as file, pytest.raises(StagingLost):
        file.resume(1)


def test_a_live_writer_keeps_another_writer_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITER_PATIENCE_SECONDS", 0.2)
    staging, upload_id = Staging(tmp_path), new_id()
    with staging.hold(upload_id, insist=False) as file:
        file.resume(0)
        file.append(memoryview(b"alive"))
        with pytest.raises(UploadLocked), staging.hold(upload_id, insist=False):
            pytest.fail("two writers")
        assert not file.release_requested()


def test_a_writer_whose_connection_was_cut_is_waited_for(tmp_path: Path) -> None:
    staging, upload_id = Staging(tmp_path), new_id()
    holding = threading.Event()

    def cut() -> None:
        with staging.hold(upload_id, insist=False):
            holding.set()
            time.sleep(0.3)

    thread = threading.Thread(target=cut)
    thread.start()
    holding.wait(5)
    with staging.hold(upload_id, insist=False) as file:
        assert not file.release_requested()
    thread.join(5)


@pytest.mark.parametrize("stalled", [False, True])
def test_a_resuming_client_makes_the_old_request_let_go(tmp_path: Path, stalled: bool) -> None:
    staging, upload_id = Staging(tmp_path), new_id()
    holding, let_go = threading.Event(), threading.Event()

    def old_request() -> None:
        with staging.hold(upload_id, insist=False) as file:
            holding.set()
            while not file.release_requested():
                time.sleep(0.01)
        let_go.set()

    thread = threading.Thread(target=old_request)
    thread.start()
    holding.wait(5)
    if stalled:
        old = time.time() - module.STALE_SECONDS - 1
        os.utime(staging.path(upload_id), (old, old))
    with staging.hold(upload_id, insist=not stalled) as file:
        assert let_go.wait(5)
        assert not file.release_requested()
    thread.join(5)


def test_a_writer_that_never_lets_go_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    staging, upload_id = Staging(tmp_path), new_id()
    with (
        staging.hold(upload_id, insist=False),
        pytest.raises(UploadLocked),
        staging.hold(upload_id, insist=True),
    ):
        pytest.fail("two writers")


def test_a_removed_file_is_not_locked_by_mistake(tmp_path: Path) -> None:
    staging, upload_id = Staging(tmp_path), new_id()
    with staging.hold(upload_id, insist=False):
        staging.discard(upload_id)
        with staging.hold(upload_id, insist=False) as fresh:
            fresh.resume(0)
            fresh.append(memoryview(b"new"))
    assert staging.path(upload_id).read_bytes() == b"new"
