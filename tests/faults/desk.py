"""The officer's side of a campaign: files handed over through the upload API, as a client sends them."""

from __future__ import annotations

import base64
import time

from app.core.identity import Role
from app.factory import create_app
from tests.factories.accounts import bearer, make_person
from tests.factories.exercises import make_exercise
from tests.faults.site import Site

TOKEN_SECONDS = 300.0


class Desk:
    """One officer with one exercise."""

    def __init__(self, site: Site) -> None:
        self._site, self._signed_in = site, 0.0
        with site.database.transaction() as session:
            self._officer = make_person(session, roles=[Role.DATA_OFFICER])
            exercise = make_exercise(session, organisation_id=self._officer.organisation_id).id
        self._said = f"exercise {base64.b64encode(str(exercise).encode()).decode()}"
        staff = create_app(site.settings, "staff", database=site.database)
        self._client = staff.test_client(use_cookies=False)

    def hand_over(self, data: bytes) -> str:
        """Sends a whole file; returns the upload's id, which will be the recording's. Raises RuntimeError."""
        self._sign_in()
        about = {"Upload-Length": str(len(data)), "Upload-Metadata": self._said}
        made = self._client.post("/api/v1/uploads", headers=self._headers | about)
        sending = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        answer = self._client.patch(made.headers["Location"], headers=self._headers | sending, data=data)
        if answer.status_code != 204:
            raise RuntimeError(f"the upload was refused: {answer.data!r}")
        return made.headers["Location"].rpartition("/")[2]

    def _sign_in(self) -> None:
        """A campaign lasts for longer than a token."""
        if self._signed_in and time.monotonic() - self._signed_in < TOKEN_SECONDS:
            return
        with self._site.database.transaction() as session:
            self._headers = bearer(session, self._officer) | {"Tus-Resumable": "1.0.0"}
        self._signed_in = time.monotonic()
