"""The Alembic environment that every distribution's history runs in."""

from alembic import context

from onhand.db import Base

__all__ = ["run"]


def run() -> None:
    """Run the revisions that Alembic asks for, on the connection and schema that the runner has put into its config."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        target_metadata=Base.metadata,
        version_table="alembic_version",
        version_table_schema=attributes["schema"],
        include_schemas=True,
        transactional_ddl=True,
    )
    context.run_migrations()
