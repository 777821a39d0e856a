"""Datasets and versions: composing from accepted labels, freezing, asking for a release."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from marshmallow import fields, validate
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.core.schema import BaseSchema
from app.datasets import queries, service
from app.datasets.schemas import DatasetCreateSchema
from app.datasets.splits import DEFAULT_PROPORTIONS
from app.releases.queries import repository_of
from app.releases.service import composing
from app.web.forms import Form, read_form

pages = Blueprint("datasets", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50


@pages.get("/datasets")
@requires(Permission.DATASET_READ)
def datasets() -> Answer:
    return _list(Form(), 200)


@pages.post("/datasets")
@requires(Permission.DATASET_COMPOSE)
def add_dataset() -> Answer:
    form, data = read_form(DatasetCreateSchema)
    if form.ok:
        with form.catching(), transaction() as session:
            dataset = service.create_dataset(session, current_identity(), **data)
    if not form.ok:
        return _list(form, 422)
    flash(f"The dataset {dataset.name} was created.", "success")
    return redirect(f"/datasets/{dataset.id}")


def _list(form: Form, status: int) -> Answer:
    with transaction() as session:
        page = service.list_datasets(
            session, current_identity(), cursor=request.args.get("cursor"), limit=PAGE
        )
    return render_template("pages/datasets.html", form=form, page=page), status


class SplitsFormSchema(BaseSchema):
    """The splits in whole per cent."""

    train = fields.Integer(required=True, validate=validate.Range(0, 100))
    validation = fields.Integer(required=True, validate=validate.Range(0, 100))
    test = fields.Integer(required=True, validate=validate.Range(0, 100))


def _percents(splits: Mapping[str, float]) -> dict[str, int]:
    return {name: round(100 * splits[name]) for name in ("train", "validation", "test")}


@pages.get("/datasets/<uuid:dataset_id>")
@requires(Permission.DATASET_READ)
def one_dataset(dataset_id: UUID) -> Answer:
    return _dataset_page(dataset_id, Form(), 200)


def _dataset_page(dataset_id: UUID, form: Form, status: int) -> Answer:
    with transaction() as session:
        dataset = service.get_dataset(session, current_identity(), dataset_id)
        page = service.list_versions(
            session, current_identity(), dataset_id, cursor=request.args.get("cursor"), limit=PAGE
        )
        repository = repository_of(session, dataset_id)
        splits = _percents(queries.fixed_proportions(session, dataset_id) or DEFAULT_PROPORTIONS)
    return render_template(
        "pages/dataset.html", form=form, dataset=dataset, page=page, repository=repository, splits=splits
    ), status


@pages.post("/datasets/<uuid:dataset_id>/versions")
@requires(Permission.DATASET_COMPOSE)
def add_version(dataset_id: UUID) -> Answer:
    """Opens a draft with every clip whose labels are accepted; those can then be seen and frozen."""
    form, percents = read_form(SplitsFormSchema)
    if form.ok:
        splits = {name: percent / 100 for name, percent in percents.items()}
        with form.catching(), transaction() as session:
            version = service.create_version(
                session, current_identity(), dataset_id=dataset_id, splits=splits
            )
            service.set_items(session, current_identity(), version_id=version.id, version=version.version)
    if not form.ok:
        return _dataset_page(dataset_id, form, 422)
    return redirect(f"/versions/{version.id}")


@pages.get("/versions/<uuid:version_id>")
@requires(Permission.DATASET_READ)
def one_version(version_id: UUID) -> Answer:
    return _version_page(version_id, Form(), 200)


def _version_page(version_id: UUID, form: Form, status: int) -> Answer:
    with transaction() as session:
        version = service.get_version(session, current_identity(), version_id)
        page = service.list_items(
            session, current_identity(), version_id, cursor=request.args.get("cursor"), limit=PAGE
        )
        counts = queries.split_counts(session, version_id)
        titles = {e.id: e.title for e in queries.exercises(session, {i.exercise_id for i in page.items})}
    return render_template(
        "pages/version.html",
        form=form,
        version=version,
        page=page,
        counts=counts,
        titles=titles,
        splits=_percents(version.splits),
    ), status


@pages.post("/versions/<uuid:version_id>/refresh")
@requires(Permission.DATASET_COMPOSE)
def refresh_items(version_id: UUID) -> Answer:
    """Takes in every clip that was accepted meanwhile."""
    form = Form()
    with form.catching(), transaction() as session:
        version = service.get_version(session, current_identity(), version_id)
        service.set_items(session, current_identity(), version_id=version_id, version=version.version)
    return redirect(f"/versions/{version_id}") if form.ok else _version_page(version_id, form, 409)


@pages.post("/versions/<uuid:version_id>/freeze")
@requires(Permission.DATASET_COMPOSE)
def freeze(version_id: UUID) -> Answer:
    form = Form()
    with form.catching(), transaction() as session:
        service.freeze_version(session, current_identity(), version_id=version_id)
    if not form.ok:
        return _version_page(version_id, form, 409)
    flash("The version is frozen: it will never change again.", "success")
    return redirect(f"/versions/{version_id}")


@pages.post("/versions/<uuid:version_id>/release")
@requires(Permission.RELEASE_BUILD)
def release(version_id: UUID) -> Answer:
    form = Form()
    with form.catching(), transaction() as session:
        made = composing.create_release(
            session,
            current_identity(),
            version_id=version_id,
            notes=request.form.get("notes", "").strip()[:5000],
        )
    return redirect(f"/releases/{made.id}") if form.ok else _version_page(version_id, form, 409)
