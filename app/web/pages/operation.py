"""The administrator's view of the service: its parts, its queue, and collections that wait for their ceremony."""

from __future__ import annotations

from flask import Blueprint, render_template
from sqlalchemy import text

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import resource, transaction
from app.datasets.queries import page_of_datasets
from app.jobs import machine_waits
from app.releases.queries import all_repositories, approvers_keys
from app.settings import Settings
from app.uploads.service import state_of_screens
from app.web.footage import why_in_words

pages = Blueprint("operation", __name__)
JOBS = text("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status ORDER BY status")
WORKERS = text(
    "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'"
)


@pages.get("/service")
@requires(Permission.OPERATE)
def operation() -> str:
    with transaction() as session:
        job_rows = [(f"Jobs {state}", int(count)) for state, count in session.execute(JOBS)]
        workers = session.execute(WORKERS).scalar_one()
        waits = machine_waits(session)
        held = {r.dataset_id: r for r in all_repositories(session)}
        datasets = page_of_datasets(session, cursor=None, limit=200).items
        signers = len({key.person_id for key in approvers_keys(session)})
    settings = resource(Settings)
    return render_template(
        "pages/operation.html",
        job_rows=job_rows,
        workers=workers,
        waits=[(why_in_words(one.why), one) for one in waits],
        datasets=datasets,
        held=held,
        signers=signers,
        staff_url=settings.staff_url,
        storage=settings.storage_url.partition("?")[0],
        screens=state_of_screens(settings),
    )
