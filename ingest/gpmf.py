"""GoPro's metadata format, GPMF: a tree of keys, types, lengths and values, written by a stranger.

Format: https://github.com/gopro/gpmf-parser (README, "KLV Design"): four letters, a type, the size of a sample, the
number of samples, big-endian; the value padded to four bytes; type 0 nests. Bounds hold whatever the bytes say: depth,
number of items, and never past the end of what was given.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_DEPTH, MOST_ITEMS = 8, 4_000
_NESTED = "\0"
_NUMBERS = {
    "b": ">i1", "B": ">u1", "s": ">i2", "S": ">u2", "l": ">i4", "L": ">u4",
    "j": ">i8", "J": ">u8", "f": ">f4", "d": ">f8", "q": ">i4", "Q": ">i8",
}  # fmt: skip
_FIXED_POINT = {"q": 1 << 16, "Q": 1 << 32}
_OTHER_SIZES = {"c": 1, "F": 4, "G": 16, "U": 16}


class Malformed(ValueError):
    """The bytes break the format or its bounds."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: `key` of four characters, `kind` (a type letter), bytes a sample, the value, and what it nests."""

    key: str
    kind: str
    size: int
    value: bytes
    children: tuple[Item, ...] = ()

    def child(self, key: str) -> Item | None:
        """The last entry of that key directly inside."""
        return next((item for item in reversed(self.children) if item.key == key), None)

    def walk(self) -> Iterator[Item]:
        """This entry and all below it."""
        yield self
        for item in self.children:
            yield from item.walk()


def parse(data: bytes) -> tuple[Item, ...]:
    """Read a payload. Raises Malformed."""
    budget = [MOST_ITEMS]
    return _parse(memoryview(data), 0, budget)


def _parse(data: memoryview, depth: int, budget: list[int]) -> tuple[Item, ...]:
    if depth > MOST_DEPTH:
        raise Malformed(f"nested more than {MOST_DEPTH} deep")
    items, at = [], 0
    while at + 8 <= len(data):
        key, kind, size, count = struct.unpack_from(">4scBH", data, at)
        if key == b"\0\0\0\0":  # padding up to the end
            break
        budget[0] -= 1
        if budget[0] < 0:
            raise Malformed(f"more than {MOST_ITEMS} entries")
        value = data[at + 8 : at + 8 + size * count]
        if len(value) < size * count:
            raise Malformed("an entry is longer than what holds it")
        letter = kind.decode("latin-1")
        children = _parse(value, depth + 1, budget) if letter == _NESTED else ()
        items.append(Item(key.decode("latin-1"), letter, size, b"" if children else bytes(value), children))
        at += 8 + -(-size * count // 4) * 4
    return tuple(items)


def text(item: Item | None) -> str:
    """A value of characters (Latin-1, up to its first NUL); empty for anything else."""
    if item is None or item.kind not in "cU":
        return ""
    return item.value.partition(b"\0")[0].decode("latin-1").strip()


def numbers(item: Item, layout: str = "") -> NDArray[np.float64]:
    """Samples of a value as (samples, elements). `layout` is the TYPE of a complex one. Raises Malformed."""
    letters = _expanded(layout) if item.kind == "?" else ""
    if not letters and item.kind in _NUMBERS:
        letters = item.kind * (item.size // np.dtype(_NUMBERS[item.kind]).itemsize)
    if not letters or not set(letters) <= set(_NUMBERS):
        raise Malformed(f"{item.key!r} holds no numbers")
    dtype = np.dtype([(str(n), _NUMBERS[letter]) for n, letter in enumerate(letters)])
    if dtype.itemsize != item.size:
        raise Malformed(f"{item.key!r} is not laid out as it says")
    table = np.frombuffer(item.value, dtype=dtype)
    columns = [table[str(n)] / _FIXED_POINT.get(letter, 1) for n, letter in enumerate(letters)]
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _expanded(layout: str) -> str:
    """ "f[8]L" written out as "ffffffffL"; a sample has at most 255 bytes, and so elements."""
    found = re.findall(r"([a-zA-Z])(?:\[(\d{1,3})\])?", layout[:255])
    return "".join(letter * min(255, int(times or 1)) for letter, times in found)[:255]


def scaled(stream: Item, item: Item) -> NDArray[np.float64]:
    """Samples of `item` in its stream's units, (samples, elements): divided by SCAL, laid out by TYPE. Raises
    Malformed, also for a scale of zero or values that are not finite."""
    values = numbers(item, text(stream.child("TYPE")))
    if scale := stream.child("SCAL"):
        divisors = numbers(scale).ravel()
        if len(divisors) not in (1, values.shape[1]) or not divisors.all():
            raise Malformed(f"the scale of {item.key!r} does not fit it")
        values = values / divisors
    if not np.isfinite(values).all():
        raise Malformed(f"{item.key!r} is not finite")
    return values
