"""The Merkle tree kept as tiles: how it is stored, served and read back to build proofs.

Source: C2SP tlog-tiles. A tile is up to 256 consecutive hashes of one tree level that is a multiple of eight;
the levels between are recomputed. Appending touches the last tile of each tile level, a proof reads about two
of each, and neither reads the other leaves.
"""

import re
from collections.abc import Callable, Sequence

from app.proofs.errors import ProofError
from app.proofs.merkle import EMPTY_ROOT, HASH_SIZE, Range, node_hash, root_hash, split_point

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

TileId = tuple[int, int]
"""(tile level, index within the level)."""
TileReader = Callable[[int, int], bytes]
"""Gives the stored hashes of a tile, concatenated: 32 bytes for each; empty when there is none."""

_PATH = re.compile(r"(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """`<L>/<N>[.p/<W>]`; 1234067 is written x001/x234/067."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"{level}/{'/'.join(groups)}{partial}"


def parse_tile_path(path: str) -> tuple[int, int, int]:
    """(level, index, width) of a tile's path. Raises ProofError unless tile_path would write it so."""
    match = _PATH.fullmatch(path)
    if match is None or len(path) > 64:
        raise ProofError("not a tile's path")
    level, index = int(match[1]), int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3]) if match[3] else TILE_WIDTH
    if level > 63 or width > TILE_WIDTH or tile_path(level, index, width) != path:
        raise ProofError("not a tile's path")
    return level, index, width


def tiles_of(size: int) -> dict[TileId, int]:
    """Width of every tile of a tree of `size` leaves."""
    tiles: dict[TileId, int] = {}
    level, count = 0, size
    while count:
        full, rest = divmod(count, TILE_WIDTH)
        tiles.update({(level, index): TILE_WIDTH for index in range(full)})
        if rest:
            tiles[level, full] = rest
        level, count = level + 1, full
    return tiles


def append_leaves(read: TileReader, size: int, leaves: Sequence[bytes]) -> dict[TileId, bytes]:
    """New contents of the tiles that change when `leaves` follow a tree of `size`.

    Raises ProofError where a stored tile is not as wide as `size` says.
    """
    changed: dict[TileId, bytes] = {}
    level, count, pending = 0, size, list(leaves)
    while pending:
        index, width = divmod(count, TILE_WIDTH)
        hashes = _split(_read(read, level, index, width)) + pending
        pending = []
        for start in range(0, len(hashes), TILE_WIDTH):
            tile = hashes[start : start + TILE_WIDTH]
            changed[level, index + start // TILE_WIDTH] = b"".join(tile)
            if len(tile) == TILE_WIDTH:
                pending.append(root_hash(tile))
        level, count = level + 1, count // TILE_WIDTH
    return changed


def range_hash(read: TileReader, span: Range) -> bytes:
    """Hash of the node over the leaves `span`, which must be a node of the tree (as the proof walks give)."""
    low, high = span
    count = high - low
    if count == 0:
        return EMPTY_ROOT
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return _complete_node(read, level, low >> level)
    middle = low + split_point(count)
    return node_hash(range_hash(read, (low, middle)), range_hash(read, (middle, high)))


def _complete_node(read: TileReader, level: int, index: int) -> bytes:
    """Hash of the complete subtree of 2**level leaves at `index` of its level."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    tile, first = divmod(index << height, TILE_WIDTH)
    last = first + (1 << height)
    data = _read(read, tile_level, tile, last)
    return root_hash(_split(data[first * HASH_SIZE : last * HASH_SIZE]))


def _read(read: TileReader, level: int, index: int, width: int) -> bytes:
    if width == 0:
        return b""
    data = read(level, index)
    if len(data) < width * HASH_SIZE or len(data) % HASH_SIZE:
        raise ProofError(f"tile {tile_path(level, index)} is missing or cut short")
    return data[: width * HASH_SIZE]


def _split(data: bytes) -> list[bytes]:
    return [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]
