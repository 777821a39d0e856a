"""The front end's build: which hashed file stands behind each entry, and serving them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"


class FrontEndMissing(RuntimeError):
    """The front end was not built."""


@cache
def manifest() -> dict[str, Any]:
    """Vite's manifest. Raises FrontEndMissing, saying how to build."""
    try:
        found: dict[str, Any] = json.loads((STATIC / "manifest.json").read_text())
    except FileNotFoundError:
        raise FrontEndMissing("the front end is not built: run 'make setup'") from None
    return found


def entry(name: str) -> dict[str, Any]:
    """The addresses of one entry's script and style sheets: {"script": …, "styles": […]}."""
    chunk = manifest()[f"static_src/{name}.ts"]
    return {
        "script": f"/static/{chunk['file']}",
        "styles": [f"/static/{css}" for css in _styles(chunk, set())],
    }


def _styles(chunk: dict[str, Any], seen: set[str]) -> list[str]:
    styles = list(chunk.get("css", []))
    for imported in chunk.get("imports", []):
        if imported not in seen:
            seen.add(imported)
            styles += _styles(manifest()[imported], seen)
    return styles
