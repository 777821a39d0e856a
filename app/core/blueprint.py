"""The blueprint of every API: JSON that no reader can take is the sender's mistake, whatever the reason."""

from __future__ import annotations

from typing import Any

import flask_smorest
from flask import Request
from marshmallow import Schema
from webargs.flaskparser import FlaskParser

from app.core.errors import InvalidRequest


class JsonParser(FlaskParser):
    """webargs' parser, which knows of malformed JSON but not of JSON nested or numbers written beyond all bounds."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body. Raises InvalidRequest for what Python's own limits refuse."""
        try:
            return super().load_json(req, schema)
        except (RecursionError, ValueError):
            raise InvalidRequest(
                "The JSON is nested too deeply, or holds a number that is too long"
            ) from None


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's blueprint with that parser."""

    ARGUMENTS_PARSER = JsonParser()
