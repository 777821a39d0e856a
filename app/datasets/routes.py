"""Datasets and versions over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.errors import InvalidRequest
from app.core.http import current_identity, etag_of, if_match_version, transaction
from app.core.schema import PageQuerySchema, page_schema
from app.datasets import service
from app.datasets.models import Dataset, DatasetVersion
from app.datasets.schemas import (
    DatasetCreateSchema,
    DatasetSchema,
    ItemSchema,
    ItemsSchema,
    VersionCreateSchema,
    VersionSchema,
)

blp = Blueprint(
    "datasets", __name__, url_prefix="/api/v1/datasets", description="Datasets and their versions"
)
versions_blp = Blueprint(
    "versions", __name__, url_prefix="/api/v1/versions", description="Composing and freezing"
)


def _tagged(version: DatasetVersion) -> tuple[DatasetVersion, int, dict[str, str]]:
    return version, 200, {"ETag": etag_of(version.version)}


@blp.route("")
class Datasets(MethodView):
    @requires(Permission.DATASET_READ)
    @blp.arguments(PageQuerySchema, location="query")
    @blp.response(200, page_schema(DatasetSchema))
    def get(self, page: dict[str, Any]) -> Any:
        """List datasets, newest first."""
        with transaction() as session:
            return service.list_datasets(session, current_identity(), **page)

    @requires(Permission.DATASET_COMPOSE)
    @blp.arguments(DatasetCreateSchema)
    @blp.response(201, DatasetSchema)
    def post(self, data: dict[str, Any]) -> Any:
        """Create a dataset."""
        with transaction() as session:
            dataset = service.create_dataset(session, current_identity(), **data)
            session.refresh(dataset)
        return dataset, 201, {"Location": f"/api/v1/datasets/{dataset.id}"}


@blp.route("/<uuid:dataset_id>")
class OneDataset(MethodView):
    @requires(Permission.DATASET_READ)
    @blp.response(200, DatasetSchema)
    def get(self, dataset_id: UUID) -> Dataset:
        """One dataset."""
        with transaction() as session:
            return service.get_dataset(session, current_identity(), dataset_id)


@blp.route("/<uuid:dataset_id>/versions")
class Versions(MethodView):
    @requires(Permission.DATASET_READ)
    @blp.arguments(PageQuerySchema, location="query")
    @blp.response(200, page_schema(VersionSchema))
    def get(self, page: dict[str, Any], dataset_id: UUID) -> Any:
        """List a dataset's versions, newest first."""
        with transaction() as session:
            return service.list_versions(session, current_identity(), dataset_id, **page)

    @requires(Permission.DATASET_COMPOSE)
    @blp.arguments(VersionCreateSchema)
    @blp.response(201, VersionSchema)
    def post(self, data: dict[str, Any], dataset_id: UUID) -> Any:
        """Open a draft version."""
        with transaction() as session:
            version = service.create_version(session, current_identity(), dataset_id=dataset_id, **data)
        headers = {"Location": f"/api/v1/versions/{version.id}", "ETag": etag_of(version.version)}
        return version, 201, headers


@versions_blp.route("/<uuid:version_id>")
class OneVersion(MethodView):
    @requires(Permission.DATASET_READ)
    @versions_blp.response(200, VersionSchema)
    def get(self, version_id: UUID) -> Any:
        """One version; the ETag is for changing what it holds."""
        with transaction() as session:
            return _tagged(service.get_version(session, current_identity(), version_id))


@versions_blp.route("/<uuid:version_id>/items")
class Items(MethodView):
    @requires(Permission.DATASET_READ)
    @versions_blp.arguments(PageQuerySchema, location="query")
    @versions_blp.response(200, page_schema(ItemSchema))
    def get(self, page: dict[str, Any], version_id: UUID) -> Any:
        """What a version holds, by clip id."""
        with transaction() as session:
            return service.list_items(session, current_identity(), version_id, **page)

    @requires(Permission.DATASET_COMPOSE)
    @versions_blp.arguments(ItemsSchema)
    @versions_blp.response(200, VersionSchema)
    def put(self, data: dict[str, Any], version_id: UUID) -> Any:
        """Replace what a draft holds (If-Match)."""
        if (data["clip_ids"] is not None) == data["all_accepted"]:
            raise InvalidRequest("Give clip_ids or all_accepted: true, one of the two")
        with transaction() as session:
            draft = service.set_items(
                session,
                current_identity(),
                version_id=version_id,
                version=if_match_version(),
                clip_ids=data["clip_ids"],
            )
        return _tagged(draft)


@versions_blp.route("/<uuid:version_id>/freeze")
class Freeze(MethodView):
    @requires(Permission.DATASET_COMPOSE)
    @versions_blp.response(200, VersionSchema)
    def post(self, version_id: UUID) -> Any:
        """Freeze a draft for good."""
        with transaction() as session:
            return _tagged(service.freeze_version(session, current_identity(), version_id=version_id))
