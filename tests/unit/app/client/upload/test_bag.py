"""Bags, held to what the Library of Congress's `bagit` says of the same bags."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest

from app.client.errors import ClientError
from app.client.upload.bag import Bag, bag_roots, open_bag
from app.client.upload.bag_writer import write_bag
from app.client.upload.model import Outcome

EXERCISE = "0199c1a2-0000-7000-8000-000000000001"


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A bag that `bagit` made: names with accents, percent signs and a folder."""
    root = tmp_path / "bag"
    (root / "DCIM").mkdir(parents=True)
    (root / "DCIM" / "A.MP4").write_bytes(b"film a")
    (root / "100% Über.mp4").write_bytes(b"film b")
    (root / "50%25.mp4").write_bytes(b"film c")
    (root / "notes.txt").write_text("a note")
    bagit.make_bag(str(root), {"Contact-Name": "Kim"}, checksums=["md5", "sha256", "sha512"])
    return root


def others_say_valid(root: Path) -> bool:
    return bool(bagit.Bag(str(root)).is_valid())


def test_a_bag_that_another_made_is_read(bag: Path) -> None:
    found = open_bag(bag)
    names = {path.relative_to(bag).as_posix(): digits for path, digits in found.payload.items()}
    assert set(names) == {"data/DCIM/A.MP4", "data/100% Über.mp4", "data/50%25.mp4", "data/notes.txt"}
    assert names["data/DCIM/A.MP4"] == {
        name: hashlib.new(name, b"film a").hexdigest() for name in ("md5", "sha256", "sha512")
    }
    assert list(bag_roots([bag.parent])) == [bag]
    found.verify_others([])


Spoil = Callable[[Path], object]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda bag: (bag / "data/DCIM/A.MP4").unlink(), "data/DCIM/A.MP4 is missing"),
        (lambda bag: (bag / "data/new.mp4").write_bytes(b"new"), "data/new.mp4 is not in manifest-md5.txt"),
        (lambda bag: (bag / "data/notes.txt").write_text("another note"), "Payload-Oxum says 24 bytes"),
        (
            lambda bag: (bag / "bag-info.txt").write_text("Contact-Name: Eve\n"),
            "bag-info.txt differs from tagm",
        ),
        (lambda bag: (bag / "bag-info.txt").unlink(), "bag-info.txt is missing"),
        (lambda bag: (bag / "bagit.txt").write_text("a bag"), "does not declare a bag"),
        (lambda bag: (bag / "bagit.txt").write_text(DECLARED.replace("1.0", "3.0")), "a bag of version 3.0"),
        (
            lambda bag: (bag / "bagit.txt").write_text(DECLARED.replace("UTF-8", "X-9")),
            "unknown encoding: X-9",
        ),
        (lambda bag: [path.unlink() for path in bag.glob("manifest-*")], "has no manifest-ALGORITHM.txt"),
        (lambda bag: shutil.rmtree(bag / "data"), "it has no folder data"),
        (lambda bag: (bag / "fetch.txt").write_text("https://example.org/a 1 data/a\n"), "has a fetch.txt"),
        (lambda bag: (bag / "data/link.mp4").symlink_to("/etc/passwd"), "data/link.mp4 is a symbolic link"),
    ],
)
def test_a_bag_that_is_not_right_is_refused(bag: Path, spoil: Spoil, says: str) -> None:
    spoil(bag)
    with pytest.raises(ClientError, match=says):
        open_bag(bag)


DECLARED = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("aa  data/../../../etc/passwd", "leads out"),
        ("aa  /etc/passwd", "leads out"),
        ("aa  ~/films/a.mp4", "leads out"),
        ("aa  bagit.txt", "leads out"),
        ("film line", "a checksum and a path are due"),
        ("aa  data/a.mp4\naa  data/a.mp4", "is listed twice"),
        ("aa  data/a.mp4", "data/a.mp4: no sha256 checksum"),
    ],
)
def test_a_manifest_that_cannot_be_right_is_refused(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.mp4").write_bytes(b"a")
    (tmp_path / "bagit.txt").write_text(DECLARED)
    (tmp_path / "manifest-sha256.txt").write_text(line + "\n")
    with pytest.raises(ClientError, match=says):
        open_bag(tmp_path)


def test_names_compare_alike_however_accents_are_composed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "U\u0308ber.mp4").write_bytes(b"a")
    (tmp_path / "bagit.txt").write_text(DECLARED)
    (tmp_path / "manifest-md5.txt").write_text(f"{hashlib.md5(b'a').hexdigest()}  data/\u00dcber.mp4\n")
    assert len(open_bag(tmp_path).payload) == 1


def test_names_that_are_escaped_as_the_standard_has_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "100%.mp4").write_bytes(b"a")
    (tmp_path / "bagit.txt").write_text(DECLARED)
    (tmp_path / "manifest-md5.txt").write_text(f"{hashlib.md5(b'a').hexdigest()} *data/100%25.mp4\r\n")
    assert len(open_bag(tmp_path).payload) == 1


def test_payload_that_is_not_sent_is_hashed(bag: Path) -> None:
    found = open_bag(bag)
    (bag / "data/notes.txt").write_text("a nose")
    found.verify_others([bag / "data/notes.txt"])
    with pytest.raises(ClientError, match=r"notes.txt differs from its manifest \(md5, sha256, sha512\)"):
        found.verify_others([])
    assert isinstance(found, Bag)


def sent(path: Path, name: str, **more: str) -> Outcome:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Outcome(path, "ready", path.stat().st_size, sha256=more.get("sha256", digest), name=name)


def test_a_bag_that_is_made_is_valid_to_others(tmp_path: Path) -> None:
    films = []
    for number, name in enumerate(("DCIM/1/A.MP4", "DCIM/1/a.mp4", "100%\r.mp4", "DCIM/1/A.MP4")):
        path = tmp_path / f"film {number}"
        path.write_bytes(bytes([number]) * 9)
        films.append(sent(path, name))
    target = tmp_path / "made"
    assert write_bag(target, films, exercise=EXERCISE, server="https://cordon.example") == 4
    assert others_say_valid(target)
    assert len(open_bag(target).payload) == 4
    assert EXERCISE in (target / "bag-info.txt").read_text()
    assert [path.read_bytes() for path in (one.path for one in films)] == [bytes([n]) * 9 for n in range(4)]
    with pytest.raises(ClientError, match="is there already"):
        write_bag(target, films, exercise=EXERCISE, server="https://cordon.example")


def test_a_bag_of_something_else_than_was_sent_is_not_made(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(b"film")
    with pytest.raises(ClientError, match="no longer what was handed over"):
        write_bag(tmp_path / "made", [sent(film, "a.mp4", sha256="00")], exercise=EXERCISE, server="x")
    with pytest.raises(ClientError, match="nothing was handed over"):
        write_bag(tmp_path / "made", [], exercise=EXERCISE, server="x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]
