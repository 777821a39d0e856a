"""Stored tiles give the same roots and proofs as the leaves themselves."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.proofs.errors import ProofError
from app.proofs.merkle import (
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from app.proofs.tiles import (
    TILE_WIDTH,
    TileId,
    append_leaves,
    parse_tile_path,
    range_hash,
    tile_path,
    tiles_of,
)

LEAVES = [leaf_hash(index.to_bytes(4, "big")) for index in range(66_500)]


class MemoryTiles(dict[TileId, bytes]):
    """Tiles in memory that count what is read of them."""

    reads = 0

    def read(self, level: int, index: int) -> bytes:
        self.reads += 1
        return self.get((level, index), b"")


def build(leaves: Sequence[bytes], batches: Sequence[int] = ()) -> MemoryTiles:
    tiles, size = MemoryTiles(), 0
    for batch in [*batches, len(leaves)]:
        part = leaves[size : size + batch]
        tiles.update(append_leaves(tiles.read, size, part))
        size += len(part)
    return tiles


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1200), st.lists(st.integers(1, 300), max_size=12))
def test_batches_of_any_size_build_the_same_tree(size: int, batches: list[int]) -> None:
    leaves = LEAVES[:size]
    tiles = build(leaves, batches)
    assert {tile: len(data) // 32 for tile, data in tiles.items()} == tiles_of(size)
    assert tiles == build(leaves)
    assert range_hash(tiles.read, (0, size)) == root_hash(leaves)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_proofs_from_tiles_verify(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([1, 2, 255, 256, 257, 511, 512, 700]))
    old, index = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    tiles = build(LEAVES[:size])
    root = range_hash(tiles.read, (0, size))
    path = [range_hash(tiles.read, span) for span in inclusion_ranges(index, size)]
    verify_inclusion(LEAVES[index], index, size, path, root)
    proof = [range_hash(tiles.read, span) for span in consistency_ranges(old, size)]
    verify_consistency(old, size, root_hash(LEAVES[:old]), root, proof)


def test_three_tile_levels_and_few_reads() -> None:
    tiles = build(LEAVES)
    size = len(LEAVES)
    assert (2, 0) in tiles
    root = root_hash(LEAVES)
    assert range_hash(tiles.read, (0, size)) == root
    tiles.reads = 0
    path = [range_hash(tiles.read, span) for span in inclusion_ranges(12_345, size)]
    verify_inclusion(LEAVES[12_345], 12_345, size, path, root)
    assert tiles.reads < 40
    tiles.reads = 0
    assert len(append_leaves(tiles.read, size, LEAVES[:1])) == 1
    assert tiles.reads == 1


def test_a_missing_or_short_tile_is_refused() -> None:
    tiles = build(LEAVES[:300])
    tiles[0, 1] = tiles[0, 1][:-32]
    with pytest.raises(ProofError, match="0/001"):
        range_hash(tiles.read, (0, 300))
    with pytest.raises(ProofError, match="0/001"):
        append_leaves(tiles.read, 300, LEAVES[:1])
    del tiles[0, 0]
    with pytest.raises(ProofError, match="0/000"):
        range_hash(tiles.read, (0, 128))


def test_tiles_of_the_specifications_example() -> None:
    widths = tiles_of(70_000)
    assert sum(level == 0 for level, _ in widths) == 274
    assert (widths[0, 273], widths[1, 0], widths[1, 1], widths[2, 0]) == (112, 256, 17, 1)
    assert tiles_of(256) == {(0, 0): 256, (1, 0): 1}


def test_the_path_of_the_specifications_example() -> None:
    assert tile_path(0, 1_234_067) == "0/x001/x234/067"
    assert tile_path(1, 5, 17) == "1/005.p/17"


@given(st.integers(0, 63), st.integers(0, 10**10), st.integers(1, TILE_WIDTH))
def test_paths_round_trip(level: int, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == (level, index, width)


OTHER_SPELLINGS = [
    "",
    "0",
    "0/",
    "0/1",
    "00/001",
    "64/000",
    "0/x000/001",
    "0/001/002",
    "0/../000",
    "0/x1/000",
]
OTHER_SPELLINGS += ["0/001.p/0", "0/001.p/256", "0/001.p/01", "0/001.p/", "-1/000", "entries/000", "0/000\n"]
OTHER_SPELLINGS += ["0/" + "x001/" * 30 + "000"]


@pytest.mark.parametrize("path", OTHER_SPELLINGS)
def test_other_spellings_of_a_path_are_refused(path: str) -> None:
    with pytest.raises(ProofError):
        parse_tile_path(path)
