"""What was just stored is compared with other datasets: profiles that may be the same wait for a person."""

from uuid import UUID

from sqlalchemy import Connection

from app.db import datasets, duplicates, jobs, releases


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


def publish_again(connection: Connection, dataset: UUID) -> None:
    """Ask for a publication of what a dataset holds now, if it is published."""
    if datasets.by_id(connection, dataset).state == "published":
        left = releases.regions_of(connection, dataset)
        jobs.enqueue(connection, "publish_dataset", dataset=str(dataset), left=left)
