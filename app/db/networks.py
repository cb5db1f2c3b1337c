"""Networks: who they are, who belongs to them, and which datasets they review."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.tables import dataset, dataset_network, network, network_member, organisation, pub_dataset

NAMES = ("id", "code", "name_en", "name_fr", "name_es", "languages")


def everything(connection: Connection) -> Sequence[Row[Any]]:
    """All networks by code."""
    return connection.execute(select(*(network.c[name] for name in NAMES)).order_by(network.c.code)).all()


def called(connection: Connection, code: str) -> Row[Any] | None:
    """The network of that code."""
    return connection.execute(select(*(network.c[name] for name in NAMES)).where(network.c.code == code)).first()


def add(connection: Connection, record: Mapping[str, Any]) -> bool:
    """Store a new network; False where the code is taken."""
    made = upsert(network).values(**record).on_conflict_do_nothing().returning(network.c.id)
    return connection.scalar(made) is not None


def change(connection: Connection, network_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a network's names or languages."""
    connection.execute(update(network).where(network.c.id == network_id).values(**values))


def members(connection: Connection, network_id: UUID) -> Sequence[Any]:
    """Organisations of a network by name."""
    return connection.execute(
        select(organisation.c.id, organisation.c.name, organisation.c.country_code)
        .join(network_member, network_member.c.organisation_id == organisation.c.id)
        .where(network_member.c.network_id == network_id, network_member.c.ends_on.is_(None))
        .order_by(organisation.c.name)
    ).all()


def take_in(connection: Connection, network_id: UUID, organisation_id: UUID) -> bool:
    """Let an organisation belong to a network; False where there is no such organisation."""
    if connection.scalar(select(organisation.c.id).where(organisation.c.id == organisation_id)) is None:
        return False
    connection.execute(
        upsert(network_member).values(network_id=network_id, organisation_id=organisation_id).on_conflict_do_nothing()
    )
    return True


def let_go(connection: Connection, network_id: UUID, organisation_id: UUID) -> bool:
    """Let an organisation belong to a network no longer; whether it did."""
    gone = connection.execute(
        delete(network_member).where(
            network_member.c.network_id == network_id, network_member.c.organisation_id == organisation_id
        )
    )
    return gone.rowcount > 0


def datasets(connection: Connection, network_id: UUID, *, published_only: bool) -> Sequence[Any]:
    """Datasets of a network by short name: those that everybody sees, or all."""
    shown = select(pub_dataset.c.id).where(pub_dataset.c.released_to.is_(None))
    found = (
        select(dataset.c.id, dataset.c.slug, dataset.c.title, dataset.c.state)
        .join(dataset_network, dataset_network.c.dataset_id == dataset.c.id)
        .where(dataset_network.c.network_id == network_id)
        .order_by(dataset.c.slug)
    )
    return connection.execute(found.where(dataset.c.id.in_(shown)) if published_only else found).all()
