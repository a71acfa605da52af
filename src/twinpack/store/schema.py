"""Tables of the registry, as SQLAlchemy sees them; migrations bring a database there.

Names are safe in PostgreSQL: `offset` is a reserved word there, so log offsets are called `log_offset`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

HEAD_REVISION = "0001"
"""The migration this release works with."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

vehicles = Table(
    "vehicles",
    metadata,
    Column("vehicle_id", String(64), primary_key=True),
    Column("pack", String(128), nullable=False),
    Column("model_hash", String(64), nullable=False),
    Column("first_seen_us", BigInteger, nullable=False),
)

models = Table(
    "models",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("pack", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("card", Text, nullable=False),
    Index("ix_models_pack", "pack", "created_at_us"),
)

twin_versions = Table(
    "twin_versions",
    metadata,
    Column("vehicle_id", String(64), ForeignKey("vehicles.vehicle_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("trip_number", Integer, nullable=False),
    Column("sample_time_us", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    Column("parent_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("event_id", String(32), primary_key=True),
    Column("vehicle_id", String(64), nullable=False),
    Column("sample_time_us", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Index("ix_events_log_offset", "log_offset"),
)

latest_state = Table(
    "latest_state",
    metadata,
    Column("vehicle_id", String(64), primary_key=True),
    Column("log_offset", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

stream = Table(
    "stream",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("log_offset", BigInteger, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("log_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("file", String(128), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
)

genesis = Table(
    "genesis",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
