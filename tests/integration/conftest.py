"""What tests of the upload API share: one server, at which each comes as a force of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.core.db import Database
from tests.factories.home import make_home, make_settings
from tests.factories.server import gunicorn
from tests.factories.upload_site import Service, Site


@pytest.fixture(scope="session")
def upload_service(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The staff surface under gunicorn, on a database of its own."""
    url = new_database()
    settings = make_settings(make_home(tmp_path_factory.mktemp("service") / "home"), url)
    database = Database(url)
    with gunicorn(settings, threads=24) as address:
        yield Service(address, settings, database)
    database.dispose()


@pytest.fixture
def site(upload_service: Service) -> Site:
    """A force that sees no other test's uploads."""
    return upload_service.force()
