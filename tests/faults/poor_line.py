"""`cordon upload` over a line that is cut, from a machine that dies: every file arrives once, and is what it was.

The line is a proxy that inspects TLS and cuts requests where the seed says. The command is ended again and again, by
SIGINT, SIGTERM or SIGKILL, and started anew: as a run over a card, or as a watcher of a drop folder. Whether it
did well is read from the database and the server's disk alone.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psycopg

from tests.factories.desk import Desk, make_desk
from tests.factories.server import ROOT, gunicorn
from tests.factories.tls_proxy import TlsProxy, tls_proxy
from tests.faults.outcome import Outcome
from tests.faults.site import Site, open_site

HOST = "cordon.example"
MOST_SECONDS = 120.0
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
_HEAD = b"\0\0\0\x20ftypisom"
_WHOLE = "SELECT id, length, declared_sha256 FROM uploads WHERE exercise_id = %s AND state = 'received'"
_OTHERS = "SELECT \"offset\" FROM uploads WHERE exercise_id = %s AND state <> 'received'"


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """Forty cards and drop folders in turn; the sample: one of them, ended once."""
    chance, outcome = random.Random(seed), Outcome()
    with (
        open_site(folder) as site,
        gunicorn(site.settings) as address,
        tls_proxy(address, folder, HOST) as proxy,
    ):
        for number in range(1 if sample else 40):
            place = folder / f"round-{number}"
            place.mkdir()
            token = f"{address}/oauth/token"  # past the proxy, by NO_PROXY
            desk = make_desk(site.settings, site.database, place, f"https://{HOST}", token_endpoint=token)
            _round(
                outcome, chance, site, desk, proxy, watch=(seed + number) % 2 == 1, ends=1 if sample else 3
            )
    return outcome


def _round(
    outcome: Outcome,
    chance: random.Random,
    site: Site,
    desk: Desk,
    proxy: TlsProxy,
    *,
    watch: bool,
    ends: int,
) -> None:
    films = _make_films(chance, desk.folder / "card")
    proxy.cuts = [chance.randrange(200_000) for _ in range(chance.randrange(6))]
    command = Command(desk, proxy, chance, watch=watch)
    for _ in range(chance.randrange(ends) + 1):
        command.start()
        command.listen()  # before its first request it has done nothing that could go wrong
        time.sleep(chance.uniform(0, 1.0))
        outcome.count(command.end(chance.choice(ENDS)))
    command.start()
    command.listen()
    deadline = time.monotonic() + MOST_SECONDS
    while not command.is_over(site, len(films)) and time.monotonic() < deadline:
        time.sleep(0.1)
    outcome.count(f"last run: {command.end(signal.SIGTERM)}")
    outcome.cases += 1
    wrong = judge(site, desk, films)
    outcome.failures += [f"{desk.folder.name}: {one}" for one in wrong]
    if wrong:
        outcome.failures.append(command.log.read_text(errors="replace")[-2000:])


def _make_films(chance: random.Random, card: Path) -> list[bytes]:
    """Films of chance, some of one size, in folders as a camera makes them."""
    films = []
    for number in range(chance.randrange(2, 6)):
        path = card / "DCIM" / f"{100 + number % 2}" / f"GX{number:06}.MP4"
        path.parent.mkdir(parents=True, exist_ok=True)
        films.append(_HEAD + chance.randbytes(chance.choice((1, 50_000, 200_000, chance.randrange(400_000)))))
        path.write_bytes(films[-1])
    return films


class Command:
    """The command in a process of its own, that may be ended and started again."""

    def __init__(self, desk: Desk, proxy: TlsProxy, chance: random.Random, *, watch: bool) -> None:
        self.log = desk.folder / "command.log"
        card = str(desk.folder / "card")
        words = ["--watch", card, "--every", "0.1"] if watch else [card]
        words += ["--exercise", str(desk.exercise), "--credentials", str(desk.credentials)]
        words += ["--limit", chance.choice(("150k", "400k", "4M")), "--workers", str(chance.randrange(1, 5))]
        self._words = [sys.executable, "-m", "app.cli", "upload", *words, "--ca", str(proxy.ca)]
        own = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1", "XDG_STATE_HOME": str(desk.folder)}
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._env = kept | own | {"PYTHONPATH": str(ROOT)}
        self._desk, self._proxy, self._watch = desk, proxy, watch

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._words, env=self._env, stdout=log, stderr=log, cwd=ROOT)

    def listen(self) -> None:
        """Until it says something to the service, or ends."""
        heard, deadline = len(self._proxy.seen), time.monotonic() + 20
        while len(self._proxy.seen) == heard and self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def end(self, number: signal.Signals) -> str:
        """Sends the signal and says how the process ended."""
        self._process.send_signal(number)
        status = self._process.wait(30)
        return f"{signal.Signals(-status).name}" if status < 0 else f"status {status}"

    def is_over(self, site: Site, films: int) -> bool:
        """A run ends by itself; a watcher has done when the server has all."""
        if self._process.poll() is not None or not self._watch:
            return self._process.poll() is not None
        with psycopg.connect(site.conninfo) as connection:
            return len(connection.execute(_WHOLE, (self._desk.exercise,)).fetchall()) >= films


def judge(site: Site, desk: Desk, films: list[bytes]) -> list[str]:
    """What is wrong with what the server has of these films."""
    with psycopg.connect(site.conninfo) as connection:
        whole = connection.execute(_WHOLE, (desk.exercise,)).fetchall()
        others = [offset for (offset,) in connection.execute(_OTHERS, (desk.exercise,))]
    wrong = []
    arrived = Counter()
    for upload, length, declared in whole:
        stored = (site.settings.uploads_dir / str(upload)).read_bytes()
        digest = hashlib.sha256(stored).digest()
        arrived[digest] += 1
        if len(stored) != length or declared != digest:
            wrong.append(f"upload {upload} is not what was declared")
    if arrived != Counter(hashlib.sha256(film).digest() for film in films):
        wrong.append(
            f"{len(films)} films were sent, {sum(arrived.values())} arrived, {len(arrived)} different"
        )
    # A command that dies between the server's answer and its own note begins anew: that leaves an empty upload at most.
    wrong += [f"{offset} bytes were sent for nothing" for offset in others if offset]
    return wrong
