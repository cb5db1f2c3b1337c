"""Which mapping a name stands for: a packaged one, or else one that somebody saved."""

from uuid import UUID

from sqlalchemy import Connection

from app.db import mappings
from app.ingest.mapping import MappingFile, available_mappings, load_mapping, mapping_from_json


def mapping_named(
    connection: Connection, name: str, account: UUID | None = None, version: int | None = None
) -> MappingFile:
    """The packaged mapping of that name, or the newest saved version that the account may use, or the one asked for.

    Raises NotFound where there is none, and MappingInvalid where a saved one is no longer understood.
    """
    if name in available_mappings():
        return load_mapping(name)
    return mapping_from_json(mappings.find(connection, name, account, version))
