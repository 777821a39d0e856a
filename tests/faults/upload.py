"""tus uploads while all that carries them fails: what was acknowledged stays, and every file ends as it was sent.

In each round one file is on its way and a fault falls that the seed chooses; where it hits the whole server, a second
client sends beside it. Afterwards the client asks where to go on and does. In the end a worker takes all of it
into the vault, whose disk is full at first, and the checker (upload_checker.py) reads what is there. Then the same
again, shorter, with a vault in an S3 server that refuses at first, and files sent straight into it while it is killed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.factories.seaweed import CREDENTIALS, Seaweed, find_weed
from tests.faults.crew import Crew
from tests.faults.outcome import Outcome
from tests.faults.site import Site, environ_with, open_site
from tests.faults.upload_checker import Sent, check_received, check_recorded
from tests.faults.upload_direct import send_straight
from tests.faults.upload_jobs import take_in_here, take_in_when_it_refuses, take_in_when_there_is_room
from tests.faults.upload_stage import KINDS, Stage
from tests.faults.web import Web

ROUNDS, S3_ROUNDS = 200, 20
BUCKET = "uploads"
LARGE_EVERY = 40  # rounds with a file of more than one block of 64 MiB
QUEUES = ("uploads", "recordings")  # no coding: the files are no films


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """All of that; the sample: six faults that need no new process, and then the jobs within this one."""
    chance, outcome = random.Random(seed), Outcome()
    with open_site(folder) as site:
        if sample:
            _hold(site, chance, _sample(chance), outcome, lambda _: take_in_here(site, QUEUES))
            return outcome
        _hold(site, chance, _each(ROUNDS), outcome, lambda crew: take_in_when_there_is_room(site, crew))
    with _store(folder / "weed") as store:
        if store is None:
            outcome.count("S3 refusing: left out, SeaweedFS is not installed")
            return outcome
        with open_site(folder / "s3", CORDON_STORAGE_URL=store.address_of(BUCKET)) as site:
            _hold(
                site,
                chance,
                _each(S3_ROUNDS),
                outcome,
                lambda crew: take_in_when_it_refuses(site, crew, store),
                lambda web: send_straight(site, web, store, chance, outcome),
                **CREDENTIALS,
            )
    outcome.cases += 2  # the vaults' own faults
    return outcome


def _hold(
    site: Site,
    chance: random.Random,
    kinds: list[str],
    outcome: Outcome,
    take_in: Callable[[Crew], str],
    more: Callable[[Web], list[Sent]] = lambda _: [],
    **env: str,
) -> None:
    """Lets each kind of fault fall once, in any order, and has what was sent taken in; notes what is wrong."""
    chance.shuffle(kinds)
    place = site.home.parent
    web = Web(site, place / "web.log", **env)
    crew = Crew(site, place / "worker.log", words=("--queues", ",".join(QUEUES)), **env)
    try:
        web.start()
        stage = Stage(site, web, chance)
        for number, kind in enumerate(kinds):
            outcome.count(stage.round(kind, large=number % LARGE_EVERY == LARGE_EVERY - 1))
            outcome.cases += 1
        outcome.failures += stage.wrong + check_received(site, stage.sent)
        sent = stage.sent + more(web)
        web.stop()
        outcome.count(take_in(crew))
    finally:
        crew.stop()
        web.stop()
    outcome.failures += check_recorded(site, sent)
    outcome.counts["files"] = outcome.counts.get("files", 0) + len(sent)


@contextmanager
def _store(folder: Path) -> Iterator[Seaweed | None]:
    """An S3 server with a bucket; None where SeaweedFS is not installed."""
    weed = find_weed()
    if weed is None:
        yield None
        return
    store = Seaweed(weed, folder)
    try:
        store.start()
        store.make_bucket(BUCKET)
        with environ_with(CREDENTIALS):
            yield store
    finally:
        store.stop()


def _each(rounds: int) -> list[str]:
    return [KINDS[number % len(KINDS)] for number in range(rounds)]


def _sample(chance: random.Random) -> list[str]:
    return ["cut", "duplicate", "stale", "disk", *chance.sample(["cut", "offset", "checksum"], 2)]
