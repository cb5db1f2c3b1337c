"""Releases: the projection of the truth into what is published, one version after the other."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from app.db import bulk
from app.db.queries import query
from app.db.tables import pub_partner, release


def await_turn(connection: Connection) -> None:
    """Wait until no other transaction publishes, and keep the turn: what is read from here on stays true."""
    connection.execute(query("await_turn"))


def begin(connection: Connection, *, kind: str, summary: str, content: str) -> int:
    """Open the next release and return its number. content : what identifies the change, hashed into the release."""
    return int(connection.scalar(query("new_release"), {"kind": kind, "summary": summary, "content": content}))


def current(connection: Connection) -> int:
    """Number of the latest release; 0 before the first."""
    return int(connection.scalar(select(func.max(release.c.number))) or 0)


def latest(connection: Connection) -> Any | None:
    """The latest release's row, None before the first."""
    return connection.execute(select(release).order_by(release.c.number.desc()).limit(1)).first()


def close_dataset(connection: Connection, dataset: UUID, number: int) -> None:
    """End what is published of a dataset with this release."""
    connection.execute(query("close_dataset"), {"dataset": dataset, "release": number})


def publish_dataset(connection: Connection, dataset: UUID, number: int) -> None:
    """Replace what is published of a dataset by its present state."""
    close_dataset(connection, dataset, number)
    for step in ("publish_sites", "publish_observations", "publish_dataset"):
        connection.execute(query(step), {"dataset": dataset, "release": number})
        bulk.refresh_statistics(connection)


def choose_zooms(connection: Connection, number: int) -> None:
    """Choose anew which points low zooms show, where this release touched them."""
    for step in ("choose_site_zooms", "choose_observation_zooms"):
        connection.execute(query(step), {"release": number})


def publish_partners(connection: Connection, number: int) -> None:
    """Replace the published partners by their present state."""
    connection.execute(update(pub_partner).where(pub_partner.c.released_to.is_(None)).values(released_to=number))
    connection.execute(query("publish_partners"), {"release": number})


def regions_of(connection: Connection, dataset: UUID) -> list[str]:
    """Ids of the regions in which a dataset has sites."""
    return sorted(connection.scalars(query("regions_of_dataset"), {"dataset": dataset}))


def site_counts(connection: Connection, regions: Sequence[str]) -> dict[tuple[str, UUID], int]:
    """Sites per region and published dataset."""
    rows = connection.execute(query("sites_of_regions"), {"regions": list(regions)})
    return {(row.region_id, row.dataset_id): row.n_sites for row in rows}


def dataset_terms(connection: Connection) -> Mapping[UUID, Any]:
    """Design, licence class, owners and synthetic mark of each published dataset."""
    return {row.id: row for row in connection.execute(query("dataset_terms"))}
