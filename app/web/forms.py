"""Forms: read with a marshmallow schema as the API does, and errors that lead back to their fields."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError

from app.core.errors import DomainError

# What marshmallow says, as a person would.
_PLAIN = {
    "Missing data for required field.": "fill this in",
    "must not be blank": "fill this in",
    "Shorter than minimum length 1.": "fill this in",
    "Not a valid integer.": "give a whole number",
    "Not a valid date.": "give a day, for instance 2026-03-14",
    "Not a valid email address.": "give an e-mail address, for instance sam@example.org",
    "Not a valid UUID.": "choose one of the list",
    "Not a valid number.": "give a number, for instance -37.5",
    "Not a valid datetime.": "give a day and a time",
}

# Fields that the page calls otherwise than the schema does.
_NAMES = {
    "started_at": "Camera's clock at the start",
    "clock_offset_seconds": "Clock offset",
    "viewpoint": "Seen from",
    "since": "Received from",
    "until": "Received to",
}


@dataclass
class Form:
    """What was typed, and what is wrong with it: messages by field, "" for the whole form."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.errors

    def error(self, name: str) -> dict[str, str] | None:
        """The field's message as govuk macros take it."""
        return {"text": self.errors[name]} if name in self.errors else None

    def value(self, name: str, default: str = "") -> Any:
        return self.values.get(name, default)

    @property
    def summary(self) -> list[dict[str, str]]:
        """For the error summary: each message, said of its field, with a link to it."""
        return [
            {"text": f"{_spoken(name)}: {text}" if name else text, "href": f"#{name}" if name else "#main"}
            for name, text in self.errors.items()
        ]

    def note(self, error: ValidationError) -> None:
        """Takes what a schema finds wrong as the fields' messages."""
        messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        self.errors = {name: _first(found) for name, found in messages.items()}

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Turns a refusal of the service into an error of the whole form."""
        try:
            yield
        except DomainError as error:
            self.errors[""] = error.detail or error.title


def read_form(schema: type[Schema], *, lists: tuple[str, ...] = ()) -> tuple[Form, dict[str, Any]]:
    """The posted fields, checked by the API's own schema. Empty fields count as not given."""
    raw: dict[str, Any] = {k: v.strip() for k, v in request.form.items() if k != "csrf_token" and v.strip()}
    raw |= {name: request.form.getlist(name) for name in lists}
    form = Form(raw)
    try:
        loaded: dict[str, Any] = schema().load(raw)
    except ValidationError as error:
        form.note(error)
        return form, {}
    return form, loaded


def _spoken(name: str) -> str:
    return _NAMES.get(name) or name.removesuffix("_id").replace("_", " ").capitalize()


def _first(messages: Any) -> str:
    while isinstance(messages, dict | list):
        messages = next(iter(messages.values())) if isinstance(messages, dict) else messages[0]
    return _PLAIN.get(str(messages), _choose(str(messages)))


def _choose(message: str) -> str:
    """A list's lower bound, as a person puts it."""
    return "choose at least one" if message.startswith("Length must be between 1 and") else message
