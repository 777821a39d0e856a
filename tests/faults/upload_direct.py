"""Files that `cordon upload --direct` sends into an S3 server which is killed while their parts are on the way."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from tests.factories.desk import Desk, film_like, make_desk
from tests.factories.seaweed import Seaweed
from tests.faults.outcome import Outcome
from tests.faults.site import Site
from tests.faults.upload_checker import Sent, rows
from tests.faults.web import Web

ROUNDS = 6
PART = 64 << 20  # the service's
SECONDS = 300.0
_STATE = "SELECT state, length FROM uploads WHERE id = %s"


def send_straight(
    site: Site, web: Web, store: Seaweed, chance: random.Random, outcome: Outcome
) -> list[Sent]:
    """Sends files of one to three parts; notes what is wrong, and returns what must end in the vault."""
    folder, sent = site.home.parent / "card", []
    folder.mkdir()
    desk = make_desk(site.settings, site.database, folder, web.address)
    for number in range(ROUNDS):
        path = folder / f"film-{number}.mp4"
        size = chance.randrange(3) * PART + chance.randrange(1 << 20)
        path.write_bytes(film_like(1000) + chance.randbytes(size))
        with _command(desk, path) as command:
            time.sleep(chance.uniform(0.5, 3))  # the first second of it is Python's start
            store.kill()
            time.sleep(chance.uniform(0, 2))
            store.start()
            said, _ = command.communicate(timeout=SECONDS)
        outcome.cases += 1
        outcome.count("S3 killed under parts")
        if command.returncode != 0:
            outcome.failures.append(f"{path.name} sent straight: status {command.returncode}, {said[-500:]}")
            continue
        sent.append(_sent(path, json.loads(said)["files"][0]["upload_id"]))
        if rows(site, _STATE, sent[-1].upload) != [("received", sent[-1].length)]:
            outcome.failures.append(f"upload {sent[-1].upload} is not whole, though the client was told so")
        path.unlink()
    return sent


def _command(desk: Desk, path: Path) -> subprocess.Popen[str]:
    words = ["upload", str(path), "--direct", "--json", "--exercise", str(desk.exercise)]
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words, "--credentials", str(desk.credentials)],
        env=os.environ | {"XDG_STATE_HOME": str(desk.folder / "state")},
        stdout=subprocess.PIPE,
        text=True,
    )


def _sent(path: Path, upload: str) -> Sent:
    data = path.read_bytes()
    return Sent(upload, len(data), [], hashlib.sha256(data).digest())
