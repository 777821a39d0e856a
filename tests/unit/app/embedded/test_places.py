"""Where the cluster lies: sockets that fit, directories that are nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.embedded.errors import EmbeddedPostgresError
from app.embedded.places import SOCKET_NAME, SUN_PATH_BYTES, _socket_dir, private_dir, private_file


@pytest.mark.parametrize("name", ["x" * 120, 'quo"ted', "com,ma"])
def test_awkward_home_gets_a_short_socket_directory(tmp_path: Path, name: str) -> None:
    wanted = tmp_path / name / "run"
    found = _socket_dir(wanted, create=True)
    try:
        assert len(os.fsencode(found / SOCKET_NAME)) <= SUN_PATH_BYTES
        assert found != wanted
        assert found == _socket_dir(wanted, create=False)
        assert found.stat().st_mode & 0o777 == 0o700
    finally:
        found.rmdir()


def test_planted_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedPostgresError, match="belongs to another user"):
        private_dir(tmp_path / "run")


def test_open_directory_of_ours_is_closed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    private_dir(tmp_path / "run")
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_file_in_the_way_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(EmbeddedPostgresError, match="cannot make"):
        private_dir(tmp_path / "run" / "inner")


def test_private_file_replaces_whole(tmp_path: Path) -> None:
    private_file(tmp_path / "secret", "one")
    private_file(tmp_path / "secret", "two")
    assert (tmp_path / "secret").read_text() == "two"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
