"""The Merkle tree of the audit log: hashes, inclusion and consistency proofs.

Source: RFC 6962 section 2.1 and RFC 9162 section 2.1 (the same tree; the verification algorithms are 9162's
2.1.3.2 and 2.1.4.2). Every function works on leaf hashes, 32 bytes each, never on entries. A proof is named
by the ranges of leaves whose hashes make it up: the same walk serves a list in memory and stored tiles.
"""

import hashlib
import hmac
from collections.abc import Sequence

from app.proofs.errors import ProofError

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Range = tuple[int, int]
"""A half-open range of leaf indexes that is one node of the tree."""


def leaf_hash(data: bytes) -> bytes:
    """MTH of one entry: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split_point(count: int) -> int:
    """The largest power of two smaller than `count` (≥ 2): where RFC 6962 divides a list of leaves."""
    return 1 << ((count - 1).bit_length() - 1)


class CompactRange:
    """The right edge of a growing tree: one hash for each set bit of its size, largest subtree first.

    Appending is O(1) amortised and needs nothing else of the tree.
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        carry, bits = leaf, self.size
        while bits & 1:
            carry = node_hash(self._peaks.pop(), carry)
            bits >>= 1
        self._peaks.append(carry)
        self.size += 1

    def root(self) -> bytes:
        """Root hash of all leaves appended so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over `leaves` (leaf hashes, in order)."""
    edge = CompactRange()
    for leaf in leaves:
        edge.append(leaf)
    return edge.root()


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Ranges whose hashes prove leaf `index` in a tree of `size`, the leaf's sibling first."""
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of {size}")
    low, high, siblings = 0, size, []
    while high - low > 1:
        middle = low + split_point(high - low)
        if index < middle:
            siblings.append((middle, high))
            high = middle
        else:
            siblings.append((low, middle))
            low = middle
    return siblings[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Ranges whose hashes prove that the tree of `old` leaves is a prefix of the tree of `new` leaves."""
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {old} cannot be a prefix of a tree of {new}")
    if old in (0, new):
        return []
    low, high, nodes = 0, new, []
    while high != old:
        middle = low + split_point(high - low)
        if old <= middle:
            nodes.append((middle, high))
            high = middle
        else:
            nodes.append((low, middle))
            low = middle
    if low > 0:  # the verifier knows the old root, which is this node when it starts at the first leaf
        nodes.append((low, high))
    return nodes[::-1]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of leaf `index` (RFC 9162 2.1.3.1)."""
    return [root_hash(leaves[low:high]) for low, high in inclusion_ranges(index, len(leaves))]


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Consistency proof between the first `old` leaves and all of them (RFC 9162 2.1.4.1)."""
    return [root_hash(leaves[low:high]) for low, high in consistency_ranges(old, len(leaves))]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raises ProofError unless `path` proves `leaf` at `index` of the tree of `size` with `root`."""
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of {size}")
    _require_hashes([leaf, root, *path])
    fn, sn, running = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            raise ProofError("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            running = node_hash(sibling, running)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            running = node_hash(running, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofError("the inclusion proof is too short")
    if not hmac.compare_digest(running, root):
        raise ProofError("the inclusion proof does not lead to the root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Raises ProofError unless `path` proves that the tree (old, old_root) is a prefix of (new, new_root)."""
    _require_hashes([old_root, new_root, *path])
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {old} cannot be a prefix of a tree of {new}")
    if old in (0, new):
        if path:
            raise ProofError("the consistency proof is too long")
        if not hmac.compare_digest(old_root, EMPTY_ROOT if old == 0 else new_root):
            raise ProofError("two different roots for the same tree size")
        if new == 0 and not hmac.compare_digest(new_root, EMPTY_ROOT):
            raise ProofError("the root of an empty tree is wrong")
        return
    old_seen, new_seen = _consistency_roots(
        old, new, [old_root, *path] if old & (old - 1) == 0 else list(path)
    )
    if not hmac.compare_digest(old_seen, old_root):
        raise ProofError("the consistency proof does not lead to the old root")
    if not hmac.compare_digest(new_seen, new_root):
        raise ProofError("the consistency proof does not lead to the new root")


def _consistency_roots(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots that a consistency path leads to (RFC 9162 2.1.4.2, steps 3 to 6)."""
    if not path:
        raise ProofError("the consistency proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old_seen = new_seen = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise ProofError("the consistency proof is too long")
        if fn & 1 or fn == sn:
            old_seen, new_seen = node_hash(sibling, old_seen), node_hash(sibling, new_seen)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new_seen = node_hash(new_seen, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofError("the consistency proof is too short")
    return old_seen, new_seen


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(item) != HASH_SIZE for item in hashes):
        raise ProofError(f"a hash is not {HASH_SIZE} bytes long")
