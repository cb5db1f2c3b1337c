"""The data model: tables, definitions, constraints and roles, as SQL beside this file; and the job queue."""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "20261123_0000"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101 - always open inside a migration
    # The driver's own cursor sends a script of many statements as it stands; no parameters, so no escaping.
    connection.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    connection.execute(SchemaManager.get_schema())
    connection.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO observatory_worker;"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, procrastinate_workers,"
        " procrastinate_periodic_defers TO observatory_desk;"
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO observatory_worker, observatory_desk;"
    )


def downgrade() -> None:
    raise RuntimeError("The first migration is not undone: drop the database instead.")
