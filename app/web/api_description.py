"""What a page says about the API: the surface's own OpenAPI document, in the order and the words that people read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
Spec = dict[str, Any]
BOUNDS = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("minimum", "from {}"),
    ("maximum", "to {}"),
    ("pattern", "matching {}"),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is: words, the schemas that they name, what it is bound to, and what it means."""

    words: str
    schemas: tuple[str, ...] = ()
    bounds: str = ""
    about: str = ""

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The words in their order, and of each piece whether it is a schema's name."""
        if not self.schemas:
            return [(self.words, False)]
        found = re.split(rf"\b({'|'.join(self.schemas)})\b", self.words)
        return [(piece, position % 2 == 1) for position, piece in enumerate(found) if piece]


@dataclass(frozen=True, slots=True)
class Member:
    """A parameter, or a member of a body. `place` is path, query or header; empty for a member."""

    name: str
    kind: Kind
    required: bool
    place: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A body or an answer. `status` is empty for a body, `default` for every refusal."""

    status: str
    about: str
    media_type: str
    kind: Kind | None
    members: tuple[Member, ...] = ()  # of an object that has no name


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address. Open to anyone where `permission` is empty."""

    anchor: str
    method: str
    path: str
    summary: str
    permission: str
    roles: tuple[str, ...]
    parameters: tuple[Member, ...]
    bodies: tuple[Content, ...]
    answers: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one tag."""

    name: str
    about: str
    operations: tuple[Operation, ...]


def groups(spec: Spec) -> list[Group]:
    """Every operation of an OpenAPI 3.1 document, by tag, in the document's order."""
    found = list(_operations(spec))
    return [
        Group(tag["name"], tag.get("description", ""), tuple(op for tags, op in found if tag["name"] in tags))
        for tag in spec["tags"]
    ]


def schemas(spec: Spec) -> list[tuple[str, tuple[Member, ...]]]:
    """The named schemas with their members, by name."""
    named: dict[str, Spec] = spec["components"]["schemas"]
    return [(name, members(named[name])) for name in sorted(named)]


def members(schema: Spec) -> tuple[Member, ...]:
    """The members of an object's schema."""
    required = schema.get("required", ())
    return tuple(
        Member(name, kind_of(member), name in required)
        for name, member in schema.get("properties", {}).items()
    )


def kind_of(schema: Spec) -> Kind:
    """A schema in words, as `string, null (uuid)` or `array of Label`."""
    bounds = [text.format(schema[name]) for name, text in BOUNDS if name in schema]
    if schema.get("default") is not None:
        bounds.append(f"{schema['default']} if not given")
    words, named = _words(schema)
    return Kind(words, named, ", ".join(bounds), schema.get("description", ""))


def _words(schema: Spec) -> tuple[str, tuple[str, ...]]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name, (name,)
    if "anyOf" in schema:
        parts = [_words(part) for part in schema["anyOf"]]
        return " or ".join(words for words, _ in parts), tuple(name for _, names in parts for name in names)
    if "const" in schema or "enum" in schema:
        listed = schema.get("enum", [schema.get("const")])
        return "one of " + ", ".join("null" if value is None else str(value) for value in listed), ()
    kinds = schema.get("type", "anything")
    words = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "items" in schema:
        item, names = _words(schema["items"])
        return f"{words} of {item}", names
    return words + (f" ({schema['format']})" if "format" in schema else ""), ()


def _operations(spec: Spec) -> Iterator[tuple[list[str], Operation]]:
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                yield item[method]["tags"], _operation(spec, method, path, item)


def _operation(spec: Spec, method: str, path: str, item: Spec) -> Operation:
    found = item[method]
    parameters = [*item.get("parameters", ()), *found.get("parameters", ())]
    body = found.get("requestBody", {})
    answers = sorted(found["responses"].items())
    return Operation(
        anchor=f"{method}-" + re.sub(r"[^a-z0-9]+", "-", path).strip("-"),
        method=method.upper(),
        path=path,
        summary=found.get("summary", ""),
        permission=found.get("x-permission", ""),
        roles=tuple(found.get("x-roles", ())),
        parameters=tuple(
            Member(p["name"], _described(p), p.get("required", False), p["in"]) for p in parameters
        ),
        bodies=tuple(_contents("", body)),
        answers=tuple(c for status, answer in answers for c in _contents(status, _resolved(spec, answer))),
    )


def _described(parameter: Spec) -> Kind:
    about = {"description": parameter["description"]} if "description" in parameter else {}
    return kind_of(parameter["schema"] | about)


def _contents(status: str, found: Spec) -> Iterator[Content]:
    """One for each media type; one without for an answer that has no body."""
    about = found.get("description", "")
    for media_type, content in found.get("content", {}).items():
        schema = content.get("schema", {})
        yield Content(status, about, media_type, kind_of(schema), members(schema))
    if status and not found.get("content"):
        yield Content(status, about, "", None)


def _resolved(spec: Spec, found: Spec) -> Spec:
    if "$ref" not in found:
        return found
    named: Spec = spec["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return named
