"""The pages that show how 10,000 recordings stand: whole requests through the application, p95.

The peer is the same page over as many recordings as it shows: their ratio says what the table's size costs. Of the list
are asked the newest page, a later one, one state, one exercise, a rare word and a common one, in turns; of an exercise
that has them all, each planned and waiting for a worker, the page and the part of it that asks for itself again.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.db import Database
from app.core.identity import Role
from app.core.migrate import upgrade
from app.embedded import EmbeddedPostgres
from app.factory import create_app
from tests.bench.rows import Goal, compare
from tests.factories.accounts import bearer, make_person
from tests.factories.home import make_home, make_settings
from tests.factories.many import fill, put_to_work

ROWS, FEW = 10_000, 50
RUNS, ROUNDS = 3, 20


def run() -> list[dict[str, Any]]:
    """A row for the list and one for the page of an exercise: ours over ROWS recordings, the peer over FEW."""
    with tempfile.TemporaryDirectory(prefix="bench-status-") as name:
        server = EmbeddedPostgres(Path(name) / "pg")
        try:
            url = server.start()
            upgrade(url)
            database = Database(url)
            settings = make_settings(make_home(Path(name) / "home"), url)
            with create_app(settings, "staff", database=database).test_client() as client:
                lists = _pairs(lambda rows: _list(database, client, rows))
                exercises = _pairs(lambda rows: _exercise(database, client, rows))
            database.dispose()
        finally:
            server.destroy()
    spread = f"{ROWS:,} recordings of {ROWS // 2:,} exercises"
    return [
        _row("status page of recordings, p95", lists, spread),
        _row(
            "status page of an exercise, p95", exercises, f"{ROWS:,} recordings of one exercise, all at work"
        ),
    ]


def _row(name: str, pairs: list[tuple[float, float]], data: str) -> dict[str, Any]:
    return compare(
        name,
        "ms",
        [one[0] for one in pairs],
        [one[1] for one in pairs],
        peer_name=f"the same page over {FEW} recordings",
        goal=Goal("<", 100, "ms"),
        data=f"{data}, as rows; in-process client, embedded PostgreSQL",
    )


def _pairs(measure: Callable[[int], float]) -> list[tuple[float, float]]:
    """RUNS of both, after one that is not counted."""
    return [(measure(ROWS), measure(FEW)) for _ in range(RUNS + 1)][1:]


def _list(database: Database, client: FlaskClient, rows: int) -> float:
    headers = _filled(database, rows)
    with_cursor = client.get("/api/v1/recordings?limit=50", headers=headers).json
    cursor, one = with_cursor["next_cursor"], with_cursor["items"][0]
    asked = (
        "/recordings",
        f"/recordings?cursor={cursor}" if cursor else "/recordings",
        "/recordings?state=withdrawn",
        f"/recordings?exercise={one['exercise_id']}",
        "/recordings?q=000042",
        "/recordings?q=patrol+ax-7",
    )
    return _p95(client, headers, asked)


def _exercise(database: Database, client: FlaskClient, rows: int) -> float:
    headers = _filled(database, rows, one_exercise=True)
    first = client.get("/api/v1/recordings?limit=1", headers=headers).json["items"][0]
    address = f"/exercises/{first['exercise_id']}"
    return _p95(client, headers, (address, f"{address}/files"))


def _filled(database: Database, rows: int, *, one_exercise: bool = False) -> dict[str, str]:
    """Fills the tables anew; returns an officer's headers."""
    with database.transaction() as session:
        for table in ("procrastinate_jobs", "job_progress", "recordings, uploads, exercises, data_keys"):
            session.execute(text(f"TRUNCATE {table} CASCADE"))
        officer = make_person(session, roles=[Role.DATA_OFFICER])
        fill(session, officer.organisation_id, rows, per_exercise=rows if one_exercise else 2)
        if one_exercise:
            put_to_work(session)
        headers = bearer(session, officer) | {"Accept": "text/html"}
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return headers


def _p95(client: FlaskClient, headers: dict[str, str], asked: tuple[str, ...]) -> float:
    """Milliseconds, over ROUNDS of these addresses. Raises RuntimeError when one is not answered."""
    taken = []
    for address in asked * ROUNDS:
        started = time.perf_counter()
        answer = client.get(address, headers=headers)
        taken.append(1000 * (time.perf_counter() - started))
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")
    return float(np.percentile(taken, 95))
