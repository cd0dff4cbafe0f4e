"""Files that are brought in by the pages and the interface."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Index, text
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_, uuid_


class ImportJobRow(SQLModel, table=True):
    """A file, and how far its import is. Everything before `offset` is dealt with.

    State: `new` (its columns are to be told), `checking`, `checked`, `running`, `done`,
    `cancelled`, `failed` (`error` says why, `failed_in` what it was doing). `columns` are the
    file's, `print` stands for them and the kind; `mapping` is null where the file is written as
    imports are. The counts are those of the check or of the run at hand; `checked` are those of
    the check that is done. `reasons` holds, by what is wrong, how often and on which line first.
    """

    __tablename__ = "import_job"
    __table_args__ = (
        Index(None, "created_at"),
        Index(None, "kind", "print"),
        Index("ix_import_job_open", "created_at",
              postgresql_where=text("state IN ('checking', 'running')")),
    )  # fmt: skip
    id: UUID = uuid_(primary_key=True)
    kind: str = text_()
    format: str = text_()
    name: str = text_()
    size: int = big_()
    state: str = text_(default="new")
    columns: list[Any] = json_(default="[]")
    print: str = text_(default="")
    mapping: dict[str, Any] | None = json_(null=True)
    start_journeys: bool = Field(
        sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    offset: int = big_(default="0")
    line: int = big_(default="0")
    accepted: int = big_(default="0")
    known: int = big_(default="0")
    rejected: int = big_(default="0")
    rejects_size: int = big_(default="0")
    customers_new: int = big_(default="0")
    customers_known: int = big_(default="0")
    reasons: dict[str, Any] = json_(default="{}")
    mentions: list[Any] = json_(default="[]")
    checked: dict[str, Any] | None = json_(null=True)
    error: str | None = text_(null=True)
    failed_in: str | None = text_(null=True)
    actor: str = text_()
    actor_name: str = text_()
    created_at: datetime = at_(now=True)
    moved_at: datetime = at_(now=True)
    ended_at: datetime | None = at_(null=True)
    kept: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
