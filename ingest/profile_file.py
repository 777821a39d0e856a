"""Profiles from files: JSON that states what differs from the defaults, read strictly.

Format: docs/formats.md, "Profiles".
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ingest.errors import ProfileError
from ingest.profiles import DEFAULT_PROFILE, Profile

FORMAT = "cordon-profile/1"
_PRESETS = Path(__file__).parent / "presets"
_HEAD = {"format", "name", "version"}
_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def preset_names() -> list[str]:
    """Names of the profiles that come with this library."""
    return sorted(path.stem for path in _PRESETS.glob("*.json"))


def load_profile(name: str) -> Profile:
    """Load a profile by the name of a preset or the path of a file. Raises ProfileError, saying what is wrong where."""
    preset = _PRESETS / f"{name}.json"
    path = preset if name in preset_names() else Path(name)
    try:
        text = path.read_text()
    except OSError as error:
        known = ", ".join(preset_names())
        raise ProfileError(f"there is no profile {name}: name a file, or one of {known}") from error
    return parse_profile(text, path.name)


def parse_profile(text: str, what: str = "profile") -> Profile:
    """Read a profile's JSON. Raises ProfileError; `what` names the document in it."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise ProfileError(f"{what} is not JSON: {error}") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise ProfileError(f'{what} does not say "format": "{FORMAT}"')
    name, version = raw.get("name"), raw.get("version")
    if not isinstance(name, str) or not name or type(version) is not int or version < 1:
        raise ProfileError(f"{what} needs a name and a version of 1 or more")
    stated = {key: value for key, value in raw.items() if key not in _HEAD}
    made: Profile = _changed(DEFAULT_PROFILE, stated, what)
    return replace(made, name=f"{name}-{version}")


def _changed(start: Any, stated: Any, where: str) -> Any:
    """A dataclass with the stated members in place of its own."""
    if not isinstance(stated, dict):
        raise ProfileError(f"{where} must be an object")
    hints = get_type_hints(type(start))
    members = {field.name for field in fields(start)} - {"name"}
    if unknown := set(stated) - members:
        raise ProfileError(
            f"{where} has no member {', '.join(sorted(unknown))}; there are {', '.join(sorted(members))}"
        )
    values = {
        key: _value(hints[key], getattr(start, key), value, f"{where}: {key}")
        for key, value in stated.items()
    }
    try:
        return replace(start, **values)
    except ValueError as error:
        raise ProfileError(f"{where}: {error}") from error


def _value(hint: Any, present: Any, value: Any, where: str) -> Any:
    """The value, held to its type; objects change what is there, or the type's defaults."""
    if get_origin(hint) is UnionType:
        if value is None:
            return None
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    if is_dataclass(hint):
        defaults: Any = hint
        return _changed(defaults() if present is None else present, value, where)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ProfileError(f"{where} must be one of {', '.join(get_args(hint))}")
        return value
    kinds = (int, float) if hint is float else (hint,)
    if type(value) not in kinds:
        raise ProfileError(f"{where} must be {_NAMES[hint]}, not {json.dumps(value)}")
    return hint(value)


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    """A list of any length (`X, ...`) or of a fixed one."""
    if not isinstance(value, list) or (Ellipsis not in kinds and len(value) != len(kinds)):
        raise ProfileError(f"{where} must be a list" + ("" if Ellipsis in kinds else f" of {len(kinds)}"))
    each = [kinds[0]] * len(value) if Ellipsis in kinds else kinds
    return tuple(_value(hint, None, one, where) for hint, one in zip(each, value, strict=True))
