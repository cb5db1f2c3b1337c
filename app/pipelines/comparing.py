"""Profiles of several datasets are compared, and what people decided about them and about flags is done."""

from uuid import UUID

from sqlalchemy import Connection

from app.db import datasets, duplicates, jobs, rechecks, releases


def find_duplicates(connection: Connection, dataset: UUID) -> int:
    """Find profiles of other datasets that may be the same as those of one just stored; returns how many are new.

    Nothing is merged: each pair waits for a person. The layers of both are flagged POSSIBLE_DUPLICATE where both
    datasets publish exact positions; another dataset whose flags change so is published again.
    """
    found = duplicates.find(connection, dataset)
    duplicates.mark(connection, dataset)
    for other in duplicates.partners(connection, dataset):
        if duplicates.mark(connection, other):
            publish_again(connection, other)
    return found


def settle_duplicates(connection: Connection, dataset: UUID) -> int:
    """Bring a dataset's flags in step with what was decided about its candidates; returns how many layers changed."""
    changed = duplicates.mark(connection, dataset)
    if changed:
        publish_again(connection, dataset)
    return changed


def settle_flag(connection: Connection, dataset: UUID, kind: str, record: str, code: str) -> bool:
    """Do what a reviewer decided about one flag, and publish the dataset again where that changed something."""
    changed = rechecks.settle(connection, kind, record, code)
    if changed:
        publish_again(connection, dataset)
    return changed


def publish_again(connection: Connection, dataset: UUID) -> None:
    """Ask for a publication of what a dataset holds now, if it is published."""
    if datasets.by_id(connection, dataset).state == "published":
        left = releases.regions_of(connection, dataset)
        jobs.enqueue(connection, "publish_dataset", dataset=str(dataset), left=left)
