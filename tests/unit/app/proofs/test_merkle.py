"""Merkle proofs against Certificate Transparency's published vectors and against the RFC's own recursion."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.proofs.errors import ProofError
from app.proofs.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

# The leaves, roots and proofs of certificate-transparency's merkletree tests (also used by Trillian).
VECTOR_LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

sizes = st.integers(min_value=1, max_value=70)


def make_leaves(count: int) -> list[bytes]:
    return [leaf_hash(index.to_bytes(4, "big")) for index in range(count)]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: Sequence[bytes], known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2."""
    if m == len(leaves):
        return [] if known else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], known), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root_hash(VECTOR_LEAVES[:size]).hex() == VECTOR_ROOTS[size - 1]


def test_the_empty_tree_hashes_to_sha256_of_nothing() -> None:
    assert root_hash([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_proofs_are_the_published_ones() -> None:
    assert [item.hex() for item in inclusion_proof(VECTOR_LEAVES, 5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [item.hex() for item in consistency_proof(VECTOR_LEAVES[:5], 2)] == [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]


@pytest.mark.parametrize("size", range(1, 34))
def test_every_proof_equals_the_recursive_definition_and_verifies(size: int) -> None:
    leaves = make_leaves(size)
    root = naive_root(leaves)
    assert root_hash(leaves) == root
    for index in range(size):
        path = inclusion_proof(leaves, index)
        assert path == naive_path(index, leaves)
        verify_inclusion(leaves[index], index, size, path, root)
    for old in range(1, size + 1):
        proof = consistency_proof(leaves, old)
        assert proof == naive_subproof(old, leaves, True)
        verify_consistency(old, size, naive_root(leaves[:old]), root, proof)


@given(st.lists(st.binary(max_size=8), max_size=80))
def test_appending_one_by_one_gives_the_recursive_root(entries: list[bytes]) -> None:
    edge = CompactRange()
    leaves = [leaf_hash(entry) for entry in entries]
    for leaf in leaves:
        edge.append(leaf)
    assert edge.size == len(leaves)
    assert edge.root() == naive_root(leaves)


@given(sizes, st.data())
def test_a_changed_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves = make_leaves(size)
    index = data.draw(st.integers(0, size - 1))
    parts = [leaves[index], root_hash(leaves), *inclusion_proof(leaves, index)]
    victim = data.draw(st.integers(0, len(parts) - 1))
    parts[victim] = flip(parts[victim], data.draw(st.integers(0, 255)))
    with pytest.raises(ProofError):
        verify_inclusion(parts[0], index, size, parts[2:], parts[1])


@given(sizes, st.data())
def test_an_inclusion_proof_holds_for_its_own_index_and_length_only(size: int, data: st.DataObject) -> None:
    leaves = make_leaves(size)
    index, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    path, root = inclusion_proof(leaves, index), root_hash(leaves)
    with pytest.raises(ProofError):
        verify_inclusion(leaves[index], index, size, [*path, EMPTY_ROOT], root)
    if path:
        with pytest.raises(ProofError):
            verify_inclusion(leaves[index], index, size, path[:-1], root)
    if other != index:
        with pytest.raises(ProofError):
            verify_inclusion(leaves[index], other, size, path, root)
    for outside in (-1, size):
        with pytest.raises(ProofError, match="no leaf"):
            verify_inclusion(leaves[index], outside, size, path, root)


@given(sizes, st.data())
def test_a_changed_consistency_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves = make_leaves(size)
    old = data.draw(st.integers(1, size))
    parts = [root_hash(leaves[:old]), root_hash(leaves), *consistency_proof(leaves, old)]
    victim = data.draw(st.integers(0, len(parts) - 1))
    parts[victim] = flip(parts[victim], data.draw(st.integers(0, 255)))
    with pytest.raises(ProofError):
        verify_consistency(old, size, parts[0], parts[1], parts[2:])
    with pytest.raises(ProofError):
        verify_consistency(
            old,
            size,
            root_hash(leaves[:old]),
            root_hash(leaves),
            [*consistency_proof(leaves, old), EMPTY_ROOT],
        )


@given(sizes, st.data())
def test_a_rewritten_past_has_no_consistency_proof(size: int, data: st.DataObject) -> None:
    leaves = make_leaves(size)
    old = data.draw(st.integers(1, size))
    rewritten = list(leaves)
    rewritten[data.draw(st.integers(0, old - 1))] = leaf_hash(b"another entry")
    for proof in (consistency_proof(leaves, old), consistency_proof(rewritten, old)):
        with pytest.raises(ProofError):
            verify_consistency(old, size, root_hash(leaves[:old]), root_hash(rewritten), proof)


@settings(max_examples=20)
@given(sizes)
def test_the_empty_tree_is_a_prefix_of_every_tree(size: int) -> None:
    root = root_hash(make_leaves(size))
    verify_consistency(0, size, EMPTY_ROOT, root, [])
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    for old, new, old_root, new_root in [
        (0, size, root, root),
        (0, 0, EMPTY_ROOT, root),
        (size, size, EMPTY_ROOT, root),
        (size + 1, size, root, root),
        (-1, size, EMPTY_ROOT, root),
    ]:
        with pytest.raises(ProofError):
            verify_consistency(old, new, old_root, new_root, [])


def test_hashes_of_another_length_are_refused() -> None:
    leaves = make_leaves(2)
    with pytest.raises(ProofError, match="32 bytes"):
        verify_inclusion(leaves[0], 0, 2, [leaves[1] + b"\0"], node_hash(*leaves))


def flip(value: bytes, bit: int) -> bytes:
    return (int.from_bytes(value, "big") ^ (1 << bit)).to_bytes(len(value), "big")
