"""The list of recordings as a page, over 10,000 of them: whole requests through the application, p95.

The peer is the same page over as many recordings as it shows: their ratio says what the table's size costs. Asked are
the newest page, a later one, one state, one exercise, a rare word and a common one, in turns.
"""

from __future__ import annotations

import tempfile
import time
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
from tests.factories.many import fill

ROWS, FEW = 10_000, 50
RUNS, ROUNDS = 3, 20


def run() -> list[dict[str, Any]]:
    """One row: ours over ROWS recordings, the peer over FEW."""
    with tempfile.TemporaryDirectory(prefix="bench-status-") as name:
        server = EmbeddedPostgres(Path(name) / "pg")
        try:
            url = server.start()
            upgrade(url)
            database = Database(url)
            settings = make_settings(make_home(Path(name) / "home"), url)
            with create_app(settings, "staff", database=database).test_client() as client:
                pairs = [_pair(database, client) for _ in range(RUNS + 1)][
                    1:
                ]  # the first warms what is cached
            database.dispose()
        finally:
            server.destroy()
    row = compare(
        "status page of recordings, p95",
        "ms",
        [one[0] for one in pairs],
        [one[1] for one in pairs],
        peer_name=f"the same page over {FEW} recordings",
        goal=Goal("<", 100, "ms"),
        data=f"{ROWS:,} recordings of {ROWS // 2:,} exercises as rows; in-process client, embedded PostgreSQL",
    )
    return [row]


def _pair(database: Database, client: FlaskClient) -> tuple[float, float]:
    found = []
    for rows in (ROWS, FEW):
        with database.transaction() as session:
            session.execute(text("TRUNCATE recordings, uploads, exercises, data_keys CASCADE"))
            officer = make_person(session, roles=[Role.DATA_OFFICER])
            fill(session, officer.organisation_id, rows)
            headers = bearer(session, officer) | {"Accept": "text/html"}
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        found.append(_p95(client, headers))
    return found[0], found[1]


def _p95(client: FlaskClient, headers: dict[str, str]) -> float:
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
    taken = []
    for address in asked * ROUNDS:
        started = time.perf_counter()
        answer = client.get(address, headers=headers)
        taken.append(1000 * (time.perf_counter() - started))
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")
    return float(np.percentile(taken, 95))
