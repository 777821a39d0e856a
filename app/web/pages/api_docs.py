"""The API in a browser: the same description as `openapi.json`, for people, without any script from elsewhere."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.authz.gate import public
from app.core.http import resource
from app.core.openapi import CordonApi
from app.web import api_description

pages = Blueprint("api-docs", __name__)


@pages.get("/api/v1/docs")
@public("describes the API and names no secret")
def api_docs() -> str:
    spec = resource(CordonApi).spec.to_dict()
    return render_template(
        "pages/api_docs.html",
        title=spec["info"]["title"],
        groups=api_description.groups(spec),
        schemas=api_description.schemas(spec),
    )
