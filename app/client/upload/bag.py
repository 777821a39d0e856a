"""A bag (RFC 8493) that is handed over: its structure is checked before, its footage while it is sent.

The library `bagit` checks bags, too, and is what the tests hold this one to. It is not used here since it hashes the
whole payload before anything could be sent, which doubles the reading of a card, and makes bags by moving the files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.client.errors import ClientError
from app.client.upload.bag_files import (
    DECLARATION,
    Manifest,
    name_among,
    read_encoding,
    read_manifests,
    read_oxum,
    same_name,
)
from app.client.upload.digests import digest_of

_SHOWN: Final = 3


@dataclass(frozen=True)
class Bag:
    """A bag that is complete. `payload`: each file → what the manifests say of it (algorithm → hex digits)."""

    root: Path
    payload: Mapping[Path, Mapping[str, str]]

    def verify_others(self, sent: Iterable[Path]) -> None:
        """Hashes the payload that is not sent, and so would be checked by nobody. Raises ClientError, OSError."""
        skipped = set(self.payload) - {path.resolve() for path in sent}
        wrong = [
            f"{path.relative_to(self.root)} differs from its manifest ({found})"
            for path in sorted(skipped)
            if (found := digest_of(path, self.payload[path]).mismatch())
        ]
        _refuse(self.root, wrong)


def bag_roots(paths: Iterable[Path]) -> Iterator[Path]:
    """The bags among the folders named and inside them; a bag in a bag's payload is payload."""
    for path in paths:
        for folder, inner, files in os.walk(path):
            if DECLARATION in files:
                inner.clear()
                yield Path(folder)


def open_bag(root: Path) -> Bag:
    """Reads a bag and checks all but its payload's digests: declaration, tag files, listed against there, Payload-Oxum.

    Raises ClientError with what is wrong.
    """
    root = root.resolve()
    if (root / "fetch.txt").exists():
        raise ClientError(
            f"{root} has a fetch.txt: fetch what it names, remove it, and hand over the whole bag"
        )
    encoding = read_encoding(root)
    manifests = read_manifests(root, "manifest-", encoding)
    if not manifests:
        raise ClientError(f"{root} has no manifest-ALGORITHM.txt: it is not a bag")
    there, wrong = _payload(root)
    _refuse(root, wrong)
    payload = _match(root, manifests, there)
    _check_oxum(root, encoding, there)
    _check_tags(root, read_manifests(root, "tagmanifest-", encoding))
    return Bag(root, payload)


def _payload(root: Path) -> tuple[dict[str, Path], list[str]]:
    """The payload's files by name, and what there must not be."""
    if not (root / "data").is_dir():
        return {}, ["it has no folder data"]
    there: dict[str, Path] = {}
    wrong: list[str] = []
    for path in sorted((root / "data").rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            wrong.append(f"{name} is a symbolic link")
        elif path.is_file():
            there[same_name(name)] = path
    return there, wrong


def _match(
    root: Path, manifests: Mapping[str, Manifest], there: Mapping[str, Path]
) -> dict[Path, dict[str, str]]:
    payload: dict[Path, dict[str, str]] = {}
    wrong: list[str] = []
    for algorithm, manifest in manifests.items():
        length = hashlib.new(algorithm, usedforsecurity=False).digest_size * 2
        listed = {name_among(name, there): digits for name, digits in manifest.items()}
        wrong += [f"{name} is missing" for name in sorted(set(listed) - set(there))]
        wrong += [f"{name} is not in manifest-{algorithm}.txt" for name in sorted(set(there) - set(listed))]
        wrong += [
            f"{name}: no {algorithm} checksum" for name, digits in listed.items() if len(digits) != length
        ]
        for name in set(listed) & set(there):
            payload.setdefault(there[name], {})[algorithm] = listed[name]
    _refuse(root, list(dict.fromkeys(wrong)))
    return payload


def _check_oxum(root: Path, encoding: str, there: Mapping[str, Path]) -> None:
    oxum = read_oxum(root, encoding)
    found = (sum(path.stat().st_size for path in there.values()), len(there))
    if oxum is not None and oxum != found:
        _refuse(
            root,
            [f"Payload-Oxum says {oxum[0]} bytes in {oxum[1]} files, there are {found[0]} in {found[1]}"],
        )


def _check_tags(root: Path, manifests: Mapping[str, Manifest]) -> None:
    wrong: list[str] = []
    for algorithm, manifest in manifests.items():
        for name, digits in manifest.items():
            path = root / name
            if path.is_symlink() or not path.is_file():
                wrong.append(f"{name} is missing")
            elif digest_of(path, {algorithm: digits}).mismatch():
                wrong.append(f"{name} differs from tagmanifest-{algorithm}.txt")
    _refuse(root, wrong)


def _refuse(root: Path, wrong: list[str]) -> None:
    """Raises ClientError when something is wrong, naming the first few."""
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ClientError(f"{root} is not a valid bag: {'; '.join(wrong[:_SHOWN])}{more}")
