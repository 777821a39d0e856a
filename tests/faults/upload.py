"""tus uploads while all that carries them fails: what was acknowledged stays, and every file ends as it was sent.

In each round one file is on its way and a fault falls that the seed chooses; where it hits the whole server, a second
client sends beside it. Afterwards the client asks where to go on and does. In the end a worker takes all of it
into the vault, in an S3 server that refuses at first, and the checker (upload_checker.py) reads what is there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.factories.seaweed import CREDENTIALS, Seaweed, find_weed
from tests.faults.crew import Crew
from tests.faults.outcome import Outcome
from tests.faults.site import environment_of, open_site
from tests.faults.upload_checker import check_received, check_recorded
from tests.faults.upload_jobs import take_in, take_in_here
from tests.faults.upload_stage import KINDS, Stage
from tests.faults.web import Web

ROUNDS = 200
BUCKET = "uploads"
LARGE_EVERY = 40  # rounds with a file of more than one block of 64 MiB
QUEUES = ("uploads", "recordings")  # no coding: the files are no films


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """Two hundred faults; the sample: six that need no new process, and then the jobs within this one."""
    chance, outcome = random.Random(seed), Outcome()
    kinds = _sample(chance) if sample else [KINDS[number % len(KINDS)] for number in range(ROUNDS)]
    chance.shuffle(kinds)
    with ExitStack() as stack:
        store = None if sample else stack.enter_context(_store(folder))
        more = {"CORDON_STORAGE_URL": store.address_of(BUCKET)} if store else {}
        site = stack.enter_context(open_site(folder, **more))
        env = CREDENTIALS if store else {}
        web = Web(site, folder / "web.log", **env)
        crew = Crew(site, folder / "worker.log", words=("--queues", ",".join(QUEUES)), **env)
        try:
            web.start()
            stage = Stage(site, web, chance)
            for number, kind in enumerate(kinds):
                large = number % LARGE_EVERY == LARGE_EVERY - 1
                outcome.count(stage.round(kind, large=large))
                outcome.cases += 1
            outcome.failures += stage.wrong + check_received(site, stage.sent)
            web.stop()
            outcome.count(take_in(site, crew, store) if store else take_in_here(site, QUEUES))
            outcome.cases += store is not None
        finally:
            crew.stop()
            web.stop()
        outcome.failures += check_recorded(site, stage.sent)
    outcome.counts["files"] = len(stage.sent)
    return outcome


@contextmanager
def _store(folder: Path) -> Iterator[Seaweed | None]:
    """An S3 server with a bucket; None where SeaweedFS is not installed."""
    weed = find_weed()
    if weed is None:
        yield None
        return
    store = Seaweed(weed, folder / "weed")
    try:
        store.start()
        store.make_bucket(BUCKET)
        with environment_of(CREDENTIALS):
            yield store
    finally:
        store.stop()


def _sample(chance: random.Random) -> list[str]:
    return ["cut", "duplicate", "stale", "disk", *chance.sample(["cut", "offset", "checksum"], 2)]
