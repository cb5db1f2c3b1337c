"""How alembic reaches the database: over a connection handed in by `app.db.migrations`."""

from alembic import context
from sqlalchemy import Connection, text

from app.db.tables import metadata

OURS = {"core", "pub"}


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Compare our schemas only; PostGIS and the job queue keep theirs."""
    return kind != "schema" or name in OURS


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_schemas=True,
    include_name=include_name,
    compare_type=True,
    compare_server_default=True,
    version_table_schema="public",
)
with context.begin_transaction():
    # A migration that waits for a lock blocks everyone behind it: better to fail and try again.
    connection.execute(text("SET LOCAL lock_timeout = '10s'"))
    context.run_migrations()
