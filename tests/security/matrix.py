"""The written table of who may do what, and the same facts read from a running application."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from werkzeug.routing import Rule

from app.authz.gate import access_of
from app.core.identity import Role

TABLE = Path(__file__).with_name("access_matrix.md")
ROLES = list(Role)
Key = tuple[str, str, str]  # surface, method, route


@dataclass(frozen=True, slots=True)
class Row:
    """Who gets through to one route: anyone, or these roles."""

    open: bool
    roles: frozenset[Role]


def read_table() -> dict[Key, Row]:
    """The table's rows. Raises ValueError for a route that is written twice or a cell that is neither yes nor empty."""
    rows: dict[Key, Row] = {}
    surface = ""
    for line in TABLE.read_text().splitlines():
        if line.startswith("## "):
            surface = line.removeprefix("## ").split()[0].lower()
        if not line.startswith("| `"):
            continue
        method, route, *cells = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
        if (surface, method, route) in rows or set(cells) - {"yes", "", "anyone"}:
            raise ValueError(f"cannot read the row {line!r}")
        held = frozenset(role for role, cell in zip(ROLES, cells[1:], strict=True) if cell == "yes")
        rows[surface, method, route] = Row(cells[0] == "anyone", held)
    return rows


def operations(app: Flask) -> list[tuple[str, Rule]]:
    """Every method of every rule that a view answers; Flask's own OPTIONS and HEAD left out."""
    return [
        (method, rule)
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
        for method in sorted((rule.methods or set()) - ({"HEAD"} if "GET" in (rule.methods or ()) else set()))
        if method != "OPTIONS"
        or (not rule.provide_automatic_options and access_of(app, rule.endpoint, method))
    ]


def as_line(method: str, route: str, row: Row) -> str:
    """One row as the table writes it."""
    cells = ["anyone" if row.open else "", *("yes" if role in row.roles else "" for role in ROLES)]
    return f"| `{method}` | `{route}` | {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")
