"""What tests of uploads share."""

from __future__ import annotations

import pytest

from app.core.db import Database
from app.settings import Settings
from tests.factories.upload_desk import Desk


@pytest.fixture
def desk(database: Database, settings: Settings) -> Desk:
    return Desk(database, settings)
