"""Alembic's entry: runs the migrations on the connection it is given."""

from alembic import context

from engine.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=lambda name, kind, parents: (
        not (kind == "table" and name is not None and name.startswith(("event_y", "event_default")))
    ),
)
with context.begin_transaction():
    context.run_migrations()
