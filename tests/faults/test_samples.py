"""A short, seeded run of campaigns; all of each is `make campaign`.

Some are held each time. Of the rest one is drawn, another from run to run: together they take longer than a run has.
"""

from __future__ import annotations

import os
import random
import secrets

import pytest

from tests.faults.__main__ import hold, names

pytestmark = pytest.mark.slow
ALWAYS = {"hostile-files", "ingest-kill", "isolation", "matrix"}
# Within one run all of xdist's workers must draw the same.
DRAWN = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).choice(sorted(set(names()) - ALWAYS))


@pytest.mark.parametrize("name", sorted(ALWAYS | {DRAWN}))
def test_nothing_is_found(name: str) -> None:
    result = hold(name, secrets.randbelow(10**6), sample=True)
    assert result["cases"] > 0
    assert result["failures"] == [], f"repeat: make campaign ONLY={name} SEED={result['seed']} SAMPLE=1"
