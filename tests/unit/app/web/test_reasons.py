"""Every reason that a file can be refused for is answered with what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import app
from app.audit.events import Tag
from app.web.words import ADVICE, HISTORY
from ingest.errors import ReasonCode

ROOT = Path(app.__file__).parent
REFUSING = ("reject", "refuse")
OF_ITS_ERROR = {
    "staging_lost"
}  # a code that is not written down where it is given, but taken from an error's type


def _given() -> Iterator[str]:
    """What uploads and recordings give as codes: literals of `reject`, `refuse`, `Refusal` and set reason codes."""
    for path in [*ROOT.glob("uploads/**/*.py"), *ROOT.glob("recordings/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in REFUSING:
                yield from _literals(node.args[2:3])
            if isinstance(node, ast.Call) and _name(node.func) == "Refusal":
                yield from _literals(node.args[:1])
            if isinstance(node, ast.Assign) and any("reason_code" in ast.unparse(at) for at in node.targets):
                yield from _of_assignment(node)


def _of_assignment(node: ast.Assign) -> Iterator[str]:
    target, value = node.targets[0], node.value
    if not (isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)):
        yield from _literals([value])
        return
    pairs = zip(target.elts, value.elts, strict=True)
    yield from _literals([told for at, told in pairs if "reason_code" in ast.unparse(at)])


def _literals(nodes: list[ast.expr]) -> Iterator[str]:
    yield from (
        node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_every_reason_has_its_advice() -> None:
    given = set(_given())
    assert given >= {
        "duplicate",
        "checksum_mismatch",
        "infected",
        "cancelled",
        "expired",
        "withdrawn_by_force",
    }, "none is lost"
    codes = given | OF_ITS_ERROR | set(get_args(ReasonCode))
    assert codes - ADVICE.keys() == set()


@pytest.mark.parametrize(
    "tag", [tag for tag in Tag if tag.value.partition(":")[0] in ("upload", "recording")]
)
def test_every_entry_of_a_recording_is_told_in_words(tag: Tag) -> None:
    assert tag.value in HISTORY
