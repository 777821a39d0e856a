"""kill -9 of real workers while they erase: in the end nothing is left of any recording, and the log says so once.

Recordings with a redaction, hashes and many objects are withdrawn, their erasure confirmed by a second officer. The
worker is killed at moments that the seed chooses. What is looked at then is asked of disk and database alone. The
sample kills one worker and goes on in this process, as the next one would.
"""

from __future__ import annotations

import io
import random
import time
from pathlib import Path
from uuid import UUID

import psycopg

from app.custody import service, tasks
from app.recordings import service as recordings
from app.storage.models import DataKey
from tests.factories.custody import make_officer
from tests.factories.fingerprints import film, store
from tests.factories.recordings import job_context, make_ready_recording
from tests.factories.redaction import make_redaction, make_rendered
from tests.faults.outcome import Outcome
from tests.faults.site import Site, open_site
from tests.faults.worker_kill import Crew

TASK = "custody.erase"
OBJECTS = 40  # of each recording, so that a kill finds some of them gone and some not
LEFT = """
    SELECT 'frame_hashes', count(*) FROM frame_hashes UNION ALL SELECT 'renditions', count(*) FROM renditions
    UNION ALL SELECT 'fingerprints', count(*) FROM fingerprints
    UNION ALL SELECT 'regions', count(*) FROM redaction_regions
    UNION ALL SELECT 'keys', count(wrapped) FROM data_keys
    UNION ALL SELECT 'not erased', count(*) FROM recordings WHERE state <> 'erased'
    UNION ALL SELECT 'not done', count(*) FROM erasures WHERE state <> 'done'
"""
TOLD = "SELECT tag, count(*) FROM audit_events WHERE subject_id = %s GROUP BY tag"
ONCE = ("recording:withdrawn", "erasure:confirmed", "recording:key-destroyed", "recording:erased")


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """Eight kills over twelve recordings; the sample: one kill, two recordings."""
    chance, outcome = random.Random(seed), Outcome()
    with open_site(folder) as site:
        confirmed = [_confirmed(site, number) for number in range(2 if sample else 12)]
        crew = Crew(site, folder / "worker.log", patient=not sample)
        try:
            if sample:
                outcome.count(_kill_and_go_on(site, crew, chance))
            else:
                for _ in range(8):
                    outcome.count(crew.kill_during(TASK, chance))
                crew.settle()
        finally:
            crew.stop()
        outcome.cases = len(confirmed)
        outcome.failures += _left(site, confirmed)
    return outcome


def _kill_and_go_on(site: Site, crew: Crew, chance: random.Random) -> str:
    crew.start()
    with psycopg.connect(site.conninfo, autocommit=True) as connection:
        begun = "SELECT 1 FROM erasures WHERE state IN ('erasing', 'done')"
        for _ in range(6000):
            if connection.execute(begun).fetchone():
                break
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.1))
        crew.kill()
        crew.process = None
        left = connection.execute("SELECT id FROM erasures WHERE state <> 'done' ORDER BY id").fetchall()
    for number, (erasure_id,) in enumerate(left):
        job = job_context(site.database, site.settings, site.vault, job_id=100_000 + number)
        tasks.erase(job, erasure_id=erasure_id)
    return f"killed with {len(left)} to do"


def _confirmed(site: Site, number: int) -> UUID:
    """A recording whose erasure is confirmed, with all that may hang on one."""
    with site.database.transaction() as session:
        recording = make_ready_recording(session, site.vault, data=f"film {number}".encode())
        make_rendered(session, site.vault, make_redaction(session, recording))
        store(session, recording, film(number))
        key = session.get_one(DataKey, recording.data_key_id)
        for name in range(OBJECTS):
            site.vault.write(key, f"recordings/{recording.id}/1/more/{name}", io.BytesIO(b"x" * 1000))
        first, second = (make_officer(session, recording) for _ in range(2))
        recordings.withdraw(session, first, recording.id, reason="Consent taken back")
        service.request_erasure(session, first, recording.id, reason="Consent taken back")
        service.confirm_erasure(session, second, recording.id)
    return recording.id


def _left(site: Site, confirmed: list[UUID]) -> list[str]:
    objects = [path for path in (site.home / "objects").rglob("*") if path.is_file()]
    failures = [f"{len(objects)} objects are left"] if objects else []
    with psycopg.connect(site.conninfo) as connection:
        failures += [f"{name}: {count}" for name, count in connection.execute(LEFT).fetchall() if count]
        for recording_id in confirmed:
            told = dict(connection.execute(TOLD, [recording_id]).fetchall())
            failures += [
                f"recording {recording_id}: {tag} {told.get(tag, 0)} times"
                for tag in ONCE
                if told.get(tag) != 1
            ]
    return failures
