"""Shards: the same samples give the same bytes, and other readers understand them."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st

from app.manifest.errors import FormatError
from app.manifest.shards import Member, Sample, Shard, directory_sink, pack_shards
from tests.factories.collection import memory_sink

contents = st.dictionaries(
    st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True),
    st.dictionaries(st.sampled_from(["mp4", "json", "wav", "seg.png"]), st.binary(max_size=2000), min_size=1),
    max_size=12,
)


def pack(data: dict[str, dict[str, bytes]], max_bytes: int) -> tuple[list[Shard], dict[str, bytes]]:
    written: dict[str, bytes] = {}
    samples = [
        Sample(key, tuple(Member.of_bytes(ext, body) for ext, body in members.items()))
        for key, members in sorted(data.items())
    ]
    return list(pack_shards(samples, memory_sink(written), max_bytes=max_bytes)), written


@settings(max_examples=50, deadline=None)
@given(contents, st.integers(1, 20_000))
def test_shards_hold_exactly_the_samples_and_the_index_finds_them(
    data: dict[str, dict[str, bytes]], max_bytes: int
) -> None:
    shards, written = pack(data, max_bytes)
    found: dict[str, dict[str, bytes]] = {}
    for shard in shards:
        body = written[shard.path]
        assert (len(body), hashlib.sha256(body).hexdigest()) == (shard.length, shard.sha256)
        assert shard.length <= max_bytes or len({entry.key for entry in shard.entries}) == 1
        for entry in shard.entries:
            piece = body[entry.offset : entry.offset + entry.size]
            assert hashlib.sha256(piece).hexdigest() == entry.sha256
            found.setdefault(entry.key, {})[entry.ext] = piece
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            names = [member.name for member in tar]
            assert names == [f"{entry.key}.{entry.ext}" for entry in shard.entries]
            assert all(
                (m.mtime, m.uid, m.gid, m.mode, m.uname, m.gname) == (0, 0, 0, 0o644, "", "")
                for m in tar.getmembers()
            )
    assert found == data


@settings(max_examples=20, deadline=None)
@given(contents)
def test_a_rebuild_is_byte_identical_whatever_the_order_of_members(
    data: dict[str, dict[str, bytes]],
) -> None:
    turned = {key: dict(reversed(members.items())) for key, members in reversed(data.items())}
    assert pack(data, 4096) == pack(turned, 4096)


def test_the_bytes_of_a_shard_are_pinned() -> None:
    """A change of this digest breaks byte-identical rebuilds of every published release."""
    shards, _ = pack({"clip-1": {"mp4": b"video", "json": b"{}\n"}}, 8192)
    assert shards[0].sha256 == "30d1eefa5a28ca0ccf2022a8f565b6527a4068afa7bca9c3946d1435f2c5b1a9"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset leaves its files open
def test_webdataset_reads_a_shard(tmp_path: Path) -> None:
    data = {f"clip-{n}": {"mp4": f"video {n}".encode(), "json": b'{"n": %d}\n' % n} for n in range(5)}
    samples = [
        Sample(key, tuple(Member.of_bytes(ext, body) for ext, body in members.items()))
        for key, members in data.items()
    ]
    shards = list(pack_shards(samples, directory_sink(tmp_path), max_bytes=4096))
    assert len(shards) > 1
    urls = [str(tmp_path / shard.path) for shard in shards]
    read = {item["__key__"]: item for item in webdataset.WebDataset(urls, shardshuffle=False)}
    assert {key: {"mp4": item["mp4"], "json": item["json"]} for key, item in read.items()} == data


def test_files_are_streamed_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"x" * 3_000_000)
    sample = Sample("clip", (Member.of_file("mp4", path),))
    (shard,) = pack_shards([sample], directory_sink(tmp_path))
    assert shard.entries[0].size == 3_000_000
    assert (tmp_path / shard.path).stat().st_size == shard.length


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (
            [Sample("b", (Member.of_bytes("mp4", b""),)), Sample("a", (Member.of_bytes("mp4", b""),))],
            "ascending",
        ),
        ([Sample("a", (Member.of_bytes("mp4", b""),))] * 2, "ascending"),
        ([Sample("../a", (Member.of_bytes("mp4", b""),))], "cannot be a sample's key"),
        ([Sample("a.b", (Member.of_bytes("mp4", b""),))], "cannot be a sample's key"),
        ([Sample("a", ())], "needs members"),
        ([Sample("a", (Member.of_bytes("mp4", b""),) * 2)], "needs members"),
        ([Sample("a", (Member.of_bytes("/x", b""),))], "cannot be packed"),
        ([Sample("a", (Member("mp4", 5, lambda: io.BytesIO(b"four")),))], "not 5 bytes long"),
        ([Sample("a", (Member("mp4", 3, lambda: io.BytesIO(b"four")),))], "not 3 bytes long"),
    ],
)
def test_what_cannot_be_packed_is_refused(samples: list[Sample], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        list(pack_shards(samples, memory_sink({})))
