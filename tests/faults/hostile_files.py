"""Mutated files through the whole job: each ends as a recording or as a refusal, and nothing else happens.

Each case takes a small clip and flips bits, cuts it short, or puts another file's beginning before it, and hands it
over as an officer would. One worker process takes them all: it must be the same process at the end, with nothing
waiting, nothing running and nothing lying about, and a sound film must still go through.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.faults.checker import check
from tests.faults.crew import Crew
from tests.faults.desk import Desk
from tests.faults.outcome import Outcome
from tests.faults.site import Site, open_site
from tests.media.synthetic import plain, sound_only, variable_rate

SAMPLE, FULL = 4, 500
STILL_SECONDS = 300  # on the wall, a busy machine allowed for: no job of a file this small takes so long
KNOWN = {"clips", "pg", "temporary", "worker.log", "home"}
KNOWN_AT_HOME = {"keys", "uploads", "work", "objects"}


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """500 files, or 6 of them."""
    outcome, chance = Outcome(), random.Random(seed)
    clips = make_clips(folder / "clips")
    temporary = folder / "temporary"
    temporary.mkdir()
    before = _digests(folder / "clips")
    with open_site(folder) as site:
        desk = Desk(site)
        crew = Crew(site, folder / "worker.log", TMPDIR=str(temporary), CORDON_WORKER_CONCURRENCY="2")
        try:
            crew.tick()
            worker = crew.pid
            cases = {
                desk.hand_over(data): f"case {number} ({name})"
                for number, (name, data) in enumerate(mutants(chance, clips, SAMPLE if sample else FULL))
            }
            crew.settle(STILL_SECONDS)
            outcome.failures += _still_serves(site, desk, crew, folder)
            crew.sweep()
            if crew.pid != worker or crew.starts != 1:
                outcome.failures.append(f"the worker was started {crew.starts} times; its log has the reason")
        finally:
            crew.stop()
        outcome.cases = len(cases)
        found = check(site.conninfo, site.home, refusals=True) + list(_tried_again(site, outcome))
        outcome.failures += [_named(line, cases) for line in found]
    if _digests(folder / "clips") != before:
        outcome.failures.append("files beside the service changed")
    outcome.failures += _left(folder)
    return outcome


def make_clips(folder: Path) -> list[Path]:
    """One clip of a second in each container, one of uneven times, one of sound alone."""
    folder.mkdir()
    made = [plain(folder / f"plain.{suffix}", seconds=1) for suffix in ("mp4", "mkv", "avi", "ts", "webm")]
    return [*made, variable_rate(folder / "uneven.mp4", seconds=1), sound_only(folder / "sound.m4a")]


def mutants(chance: random.Random, clips: list[Path], count: int) -> Iterator[tuple[str, bytes]]:
    """So many files, all different: the service tells a file that it has."""
    seen: set[bytes] = set()
    while len(seen) < count:
        name, data = mutate(chance, clips)
        digest = hashlib.sha256(data).digest()
        if data and digest not in seen:
            seen.add(digest)
            yield name, data


def mutate(chance: random.Random, clips: list[Path]) -> tuple[str, bytes]:
    """What was done to which clip, and the bytes that came of it."""
    clip, other = chance.choice(clips), chance.choice(clips)
    data = bytearray(clip.read_bytes())
    kind = chance.choice(["flip", "flip head", "cut", "splice", "fill"])
    if kind.startswith("flip"):
        reach = len(data) if kind == "flip" else min(len(data), 2048)
        for _ in range(chance.randint(1, 64)):
            data[chance.randrange(reach)] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[chance.randrange(len(data)) :]
    elif kind == "splice":
        data[: chance.randrange(1, 4096)] = other.read_bytes()[: chance.randrange(1, 4096)]
    else:
        start = chance.randrange(len(data))
        data[start : start + 512] = bytes([chance.choice([0, 255])]) * len(data[start : start + 512])
    return f"{kind} of {clip.name}", bytes(data)


def _still_serves(site: Site, desk: Desk, crew: Crew, folder: Path) -> Iterator[str]:
    film = plain(folder / "clips" / "whole.mp4", seconds=2)
    recording = desk.hand_over(film.read_bytes())
    film.unlink()
    crew.settle(STILL_SECONDS)
    with psycopg.connect(site.conninfo) as connection:
        row = connection.execute("SELECT state FROM recordings WHERE id = %s", [recording]).fetchone()
    if row != ("ready",):
        yield f"a sound film that came last is {row}"


def _tried_again(site: Site, outcome: Outcome) -> Iterator[str]:
    """Jobs of files that were tried more than once although the machine had no fault; and what all came to."""
    states = """
        SELECT coalesce(r.state || coalesce(': ' || r.reason_code, ''), u.state || ': ' || u.reason_code), count(*)
        FROM uploads u LEFT JOIN recordings r ON r.id = u.id GROUP BY 1
    """
    retried = """
        SELECT task_name, args, attempts FROM procrastinate_jobs
        WHERE attempts > 1 AND args ?| array['recording_id', 'upload_id']
    """
    with psycopg.connect(site.conninfo) as connection:
        outcome.counts |= dict(connection.execute(states).fetchall())
        for name, args, attempts in connection.execute(retried).fetchall():
            yield f"job {name} of {args} was tried {attempts} times"


def _named(line: str, cases: dict[str, str]) -> str:
    return next((f"{case}: {line}" for id_, case in cases.items() if id_ in line), line)


def _left(folder: Path) -> Iterator[str]:
    """Files outside the store."""
    for path in [*folder.iterdir(), *(folder / "home").iterdir()]:
        if path.name not in (KNOWN if path.parent == folder else KNOWN_AT_HOME):
            yield f"{path.relative_to(folder)} was left"
    yield from (f"left in the temporary directory: {path.name}" for path in (folder / "temporary").iterdir())


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
