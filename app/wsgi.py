"""Entry points for a WSGI server of one's own: `gunicorn 'app.wsgi:staff()'`, `gunicorn 'app.wsgi:partner()'`."""

from __future__ import annotations

from flask import Flask

from app.factory import create_app
from app.settings import Settings


def staff() -> Flask:
    """The staff surface of the environment's settings. Raises SettingsError for unusable ones."""
    return create_app(Settings.from_environ(), "staff")


def partner() -> Flask:
    """The partner surface of the environment's settings. Raises SettingsError for unusable ones."""
    return create_app(Settings.from_environ(), "partner")
