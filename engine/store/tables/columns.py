"""Columns as these tables have them, and how their constraints are called."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata

_NOW = text("now()")


def at_(*, null: bool = False, now: bool = False, primary_key: bool = False) -> Any:
    """An instant."""
    default = _NOW if now else None
    return Field(
        sa_column=Column(
            DateTime(timezone=True), nullable=null, server_default=default, primary_key=primary_key
        )
    )


def json_(*, null: bool = False, default: str | None = None) -> Any:
    """A JSON document."""
    return Field(sa_column=Column(JSONB, nullable=null, server_default=default))


def uuid_(*, primary_key: bool = False, null: bool = False) -> Any:
    """A UUID."""
    return Field(sa_column=Column(Uuid, primary_key=primary_key, nullable=null))


def text_(*, primary_key: bool = False, null: bool = False, default: str | None = None) -> Any:
    """A text."""
    return Field(
        sa_column=Column(Text, primary_key=primary_key, nullable=null, server_default=default)
    )


def big_(*, primary_key: bool = False, null: bool = False, default: str | None = None) -> Any:
    """A whole number of 64 bits."""
    return Field(
        sa_column=Column(BigInteger, primary_key=primary_key, nullable=null,
                         server_default=default, autoincrement=False)
    )  # fmt: skip
