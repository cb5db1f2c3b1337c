"""Profiles of several datasets are compared, and what people decided about them and about flags is done."""

from uuid import UUID

import polars as pl
from sqlalchemy import Connection

from app.db import datasets, duplicates, jobs, rechecks, releases
from app.ingest.checks.peers import FEWEST_PEERS, outliers


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


def find_outliers(connection: Connection, dataset: UUID) -> int:
    """Flag organic carbon of a dataset that lies far from published values of others nearby; returns how many are new.

    Nearby is the same cell of one degree, depth class and land use; the positions of the others are the published ones.
    """
    published = rechecks.peers(connection, dataset)
    if published.height < FEWEST_PEERS:
        return 0
    mine = rechecks.own_peers(connection, dataset).with_columns(i=pl.int_range(pl.len(), dtype=pl.Int64))
    far = outliers(mine.drop("layer_id", "place"), published)["i"]
    suspect = mine.filter(pl.col("i").is_in(far.implode())).unique("layer_id", keep="first", maintain_order=True)
    return rechecks.flag_values(connection, suspect.select("layer_id", "place"), "PEER_OUTLIER")


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
