"""Metadata of many files from one table: CSV, or JSON as a list of objects; the column `file` and any of FIELDS.

Only what the service could not see is refused here: a column that it would pass over, a row without a file, two
rows for one. Whether a value is right is for the service to say, which has the one schema of these fields.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from app.client.errors import ClientError

FILE: Final = "file"
FIELDS: Final = ("camera", "started_at", "clock_offset_seconds", "viewpoint", "reference", "notes")
_DELIMITERS: Final = ",;\t"  # spreadsheets of other countries write semicolons


@dataclass(frozen=True)
class Row:
    """One file's. `where` is how a person finds it: "row 3" of a CSV file, as spreadsheets count, "item 2" of JSON."""

    where: str
    file: str
    details: Mapping[str, str]


def read_sidecar(path: Path) -> list[Row]:
    """The rows. Raises ClientError naming row and column."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ClientError(f"{path} is not UTF-8: save it as 'CSV UTF-8'") from None
    records = _json_records(path, text) if text.lstrip()[:1] in ("[", "{") else _csv_records(path, text)
    rows: dict[str, Row] = {}
    for where, record in records:
        row = _row(path, where, record)
        if row.file in rows:
            raise ClientError(
                f"{path}, {where}, column {FILE}: {row.file!r} has {rows[row.file].where} already"
            )
        rows[row.file] = row
    return list(rows.values())


def _csv_records(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        for name in {name for name in names if names.count(name) > 1}:
            raise ClientError(f"{path}, row 1: the column {name!r} is there twice")
        _check_columns(path, "row 1", names)
        for number, values in enumerate(reader, 2):
            if any(value.strip() for value in values):
                if len(values) > len(names):
                    raise ClientError(f"{path}, row {number}: it has more values than there are columns")
                yield f"row {number}", dict(zip(names, values, strict=False))
    except csv.Error as error:
        raise ClientError(f"{path}, line {reader.line_num}: {error}") from None


def _json_records(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ClientError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, list):
        raise ClientError(f"{path} must be a JSON list of objects, each with {FILE!r}")
    for number, record in enumerate(document, 1):
        if not isinstance(record, dict):
            raise ClientError(f"{path}, item {number}: an object with {FILE!r} is due")
        _check_columns(path, f"item {number}", record)
        yield f"item {number}", record


def _check_columns(path: Path, where: str, names: Iterable[str]) -> None:
    for name in names:
        if name not in (FILE, *FIELDS):
            raise ClientError(
                f"{path}, {where}: the column {name!r} is not known: use {FILE}, {', '.join(FIELDS)}"
            )
    if FILE not in names:
        raise ClientError(f"{path}, {where}: the column {FILE!r} is missing")


def _row(path: Path, where: str, record: Mapping[str, Any]) -> Row:
    said: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, bool | list | dict):
            raise ClientError(f"{path}, {where}, column {name}: a text or a number is due")
        if value is not None and (text := str(value).strip()):
            said[name] = text
    file = said.pop(FILE, "").replace("\\", "/")
    if not file:
        raise ClientError(f"{path}, {where}, column {FILE}: it is empty")
    return Row(where, file, said)


def match_rows(
    rows: Iterable[Row], base: Path, files: Mapping[Path, str]
) -> tuple[dict[Path, Row], list[Row]]:
    """Which row speaks of which file, and the rows whose file is not there. `files`: path → name below what was named.

    A row names a path below the sidecar's folder `base` or below what was named, or the end of one. Raises ClientError
    where that fits several files, or two rows one file.
    """
    found: dict[Path, Row] = {}
    absent: list[Row] = []
    for row in rows:
        exact = [
            path
            for path, name in files.items()
            if row.file == name or path.resolve() == (base / row.file).resolve()
        ]
        ends = exact or [path for path in files if _ends_with(path, row.file)]
        if len(ends) > 1:
            raise ClientError(
                f"{row.where}, column {FILE}: {row.file!r} fits {len(ends)} files: write more of the path"
            )
        if ends and ends[0] in found:
            raise ClientError(f"{row.where}, column {FILE}: {row.file!r} has {found[ends[0]].where} already")
        if ends:
            found[ends[0]] = row
        else:
            absent.append(row)
    return found, absent


def _ends_with(path: Path, tail: str) -> bool:
    parts = PurePosixPath(tail).parts
    return path.parts[-len(parts) :] == parts
