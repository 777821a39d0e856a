"""Datasets: what routes, pages and higher features call."""

from app.datasets.service.composing import (
    MAX_ITEMS,
    create_dataset,
    create_version,
    get_dataset,
    get_version,
    list_datasets,
    list_items,
    list_versions,
    set_items,
)
from app.datasets.service.errors import NotReleasable, SlugTaken, VersionFrozen
from app.datasets.service.freezing import freeze_version

__all__ = [
    "MAX_ITEMS",
    "NotReleasable",
    "SlugTaken",
    "VersionFrozen",
    "create_dataset",
    "create_version",
    "freeze_version",
    "get_dataset",
    "get_version",
    "list_datasets",
    "list_items",
    "list_versions",
    "set_items",
]
