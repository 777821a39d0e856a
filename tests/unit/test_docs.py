"""What the documents say is there: links lead somewhere, commands and options exist, code is code."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from app.cli import cli

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "docs", ROOT / "infra" / "runbooks")
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(path for folder in FOLDERS for path in folder.rglob("*.md")),
    ]
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<(?:img|source)[^>]+(?:src|srcset)=\"([^\"]+)\"")
TARGETS = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
OWN_PATH = re.compile(r"(?:app|docs|infra|ingest|migrations|tests)/[\w./-]*")
# Where a document was written says nothing to its reader, and mirrors come and go.
BANNED = re.compile(r"/(?:work|root|home/\w+)/|(?:pypi|npmjs|pythonhosted)\.(?:org|com)|ghcr\.io|docker\.io")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=named)


def anchors_of(text: str) -> set[str]:
    """The anchors that GitHub gives headings: lower case, punctuation dropped, spaces to hyphens."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_document
def test_relative_links_lead_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text())
    for match in LINK.finditer(text):
        target, _, anchor = (match[1] or match[2]).partition("#")
        if "://" in target:
            continue
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), f"{named(path)}: {target}"
        if anchor:
            assert anchor in anchors_of(found.read_text()), f"{named(path)}: {target}#{anchor}"


@every_document
def test_every_file_of_the_project_that_is_named_exists(path: Path) -> None:
    for code in INLINE.findall(FENCE.sub("", path.read_text())):
        if OWN_PATH.fullmatch(code):
            assert (ROOT / code).exists(), f"{named(path)}: {code}"


@every_document
def test_names_neither_this_machine_nor_a_registry(path: Path) -> None:
    assert not BANNED.findall(path.read_text())


def shell_lines(text: str) -> Iterator[str]:
    """Commands of shell blocks and of inline code, continuation lines joined."""
    for language, block in FENCE.findall(text):
        if language in ("", "sh", "shell", "console"):
            yield from block.replace("\\\n", " ").splitlines()
    yield from INLINE.findall(FENCE.sub("", text))


def words_of(line: str, program: str) -> list[str] | None:
    """The words after `program` in its first use in a line; None where it is not used."""
    match = re.match(rf"\s*(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?{program}(?= |$)(.*)", line)
    if match is None:
        return None
    return shlex.split(re.split(r" [|>&;#] ?", match[1])[0].replace("'cordon", "cordon"))


def check_command(words: list[str]) -> str:
    """What is wrong with a `cordon` command line, or ""."""
    command: click.Command = cli
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        if rest[0] == "…":
            return ""
        name = rest.pop(0)
        found = command.get_command(click.Context(command), name)
        if found is None:
            return f"there is no command {name!r}"
        command = found
    known = {text for parameter in command.params for text in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h", "--version"}
    wrong = [word for word in rest if word.startswith("-") and word.partition("=")[0] not in known]
    return f"{command.name} has no option {wrong[0]}" if wrong else ""


def cordon_commands(path: Path) -> list[list[str]]:
    found = (words_of(line, "cordon") for line in shell_lines(path.read_text()))
    return [words for words in found if words]


@every_document
def test_every_command_exists_with_its_options(path: Path) -> None:
    problems = [
        f"cordon {' '.join(words)}: {wrong}"
        for words in cordon_commands(path)
        if (wrong := check_command(words))
    ]
    assert not problems


def test_the_check_of_commands_sees_what_is_wrong() -> None:
    assert check_command(["pull", "x", "--dir", "d"]) == ""
    assert "no command 'push'" in check_command(["push", "x"])
    assert "no option --fast" in check_command(["pull", "x", "--fast"])
    assert "no command 'prune'" in check_command(["audit", "prune"])
    assert words_of("CORDON_TOTP=123456 .venv/bin/cordon login --server x | cat", "cordon") == [
        "login",
        "--server",
        "x",
    ]
    assert words_of("use cordon here", "cordon") is None


def test_documents_do_name_commands() -> None:
    assert sum(len(cordon_commands(path)) for path in DOCUMENTS) > 40


@every_document
def test_every_make_target_exists(path: Path) -> None:
    targets = set(TARGETS.findall((ROOT / "Makefile").read_text()))
    for line in shell_lines(path.read_text()):
        words = words_of(line, "make")
        for word in words or []:
            if re.fullmatch(r"[a-z-]+", word):
                assert word in targets, f"{named(path)}: make {word}"
                break


@every_document
def test_python_and_json_blocks_are_well_formed(path: Path) -> None:
    for language, block in FENCE.findall(path.read_text()):
        if language == "python":
            ast.parse(block)
        elif language == "json":
            json.loads(block)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.svg")), ids=named)
def test_pictures_say_in_words_what_they_show(path: Path) -> None:
    root = ElementTree.fromstring(path.read_text())
    texts = {child.tag.partition("}")[2]: child.text or "" for child in root}
    assert root.get("role") == "img"
    assert texts["title"]
    assert len(texts["desc"]) > 80
    assert "prefers-color-scheme: dark" in texts["style"]


def test_decisions_are_all_listed_and_whole() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    records = sorted(folder.glob("0*.md"))
    numbers = [int(path.name[:4]) for path in records]
    assert numbers == sorted(set(numbers))  # none is given twice; one that was set aside may stay free
    for path in records:
        text = path.read_text()
        assert f"]({path.name})" in index, path.name
        for heading in ("## Status", "## Context", "## Decision", "## Consequences"):
            assert heading in text, f"{path.name}: {heading}"
