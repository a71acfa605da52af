"""Tables of the registry, as SQLAlchemy sees them; migrations bring a database there.

Names are safe in PostgreSQL: `offset` is a reserved word there, so log offsets are called `log_offset`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

HEAD_REVISION = "0007"
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

model_actions = Table(
    "model_actions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("pack", String(128), nullable=False),
    Column("action", String(16), nullable=False),
    Column("model_hash", String(64), nullable=False),
    Column("former_hash", String(64), nullable=False),
    Column("who", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("log_offset", BigInteger),
    Column("evidence", Text, nullable=False),
    Index("ix_model_actions_model_hash", "model_hash", "number"),
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

fleets = Table(
    "fleets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("default_pack", String(64), nullable=False),
    Column("notes", Text, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
)

packs = Table(
    "packs",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("specification", Text, nullable=False),
    Column("added_at_us", BigInteger, nullable=False),
)

vehicle_entries = Table(
    "vehicle_entries",
    metadata,
    Column("vehicle_id", String(64), primary_key=True),
    Column("fleet", String(64), ForeignKey("fleets.name"), nullable=False),
    Column("pack", String(64), nullable=False),
    Column("label", Text, nullable=False),
    Column("vin", String(17)),
    Column("model_year", Integer),
    Column("climate", String(64), nullable=False),
    Column("notes", Text, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("entered_at_us", BigInteger, nullable=False),
    Index("ix_vehicle_entries_fleet", "fleet"),
    Index("ix_vehicle_entries_vin", "vin", unique=True),
)

device_credentials = Table(
    "device_credentials",
    metadata,
    Column("credential_id", String(16), primary_key=True),
    Column("scope", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("note", Text, nullable=False),
    Column("issued_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger),
    Column("revoked_at_us", BigInteger),
    Index("ix_device_credentials_name", "name"),
)

findings = Table(
    "findings",
    metadata,
    Column("event_id", String(32), primary_key=True),
    Column("vehicle_id", String(64), nullable=False),
    Column("code", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("category", String(16), nullable=False),
    Column("change", String(16), nullable=False),
    Column("level", String(16), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("sample_time_us", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("alarm_id", String(12)),
    Column("effect", String(16), nullable=False),
    Column("muted_by", String(12), nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("evidence", Text, nullable=False),
    Index("ix_findings_vehicle_id", "vehicle_id", "sample_time_us"),
    Index("ix_findings_log_offset", "log_offset"),
    Index("ix_findings_alarm_id", "alarm_id"),
)

NOT_CLEARED = text("state <> 'cleared'")
"""Spelled out, not bound: a database uses an index of some rows only for a query that plainly asks for no others."""

alarms = Table(
    "alarms",
    metadata,
    Column("alarm_id", String(12), primary_key=True),
    Column("vehicle_id", String(64), nullable=False),
    Column("code", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("category", String(16), nullable=False),
    Column("level", String(16), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("present", Boolean, nullable=False),
    Column("count", Integer, nullable=False),
    Column("passes", Integer, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("first_event", String(32), nullable=False),
    Column("last_event", String(32), nullable=False),
    Column("muted_by", String(12), nullable=False),
    Column("assignee", String(128), nullable=False),
    Column("snoozed_until_us", BigInteger),
    Column("actions", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("raised_at_us", BigInteger, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
    Index(
        "ix_alarms_open",
        "vehicle_id",
        "code",
        "subject",
        unique=True,
        sqlite_where=NOT_CLEARED,
        postgresql_where=NOT_CLEARED,
    ),
    # Begun by the state, so that open alarms are looked up by the index that has no others.
    Index("ix_alarms_state", "state", "vehicle_id"),
    Index("ix_alarms_last_us", "last_us"),
)

alarm_actions = Table(
    "alarm_actions",
    metadata,
    Column("alarm_id", String(12), ForeignKey("alarms.alarm_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("sample_time_us", BigInteger),
    Column("who", String(128), nullable=False),
    Column("action", String(16), nullable=False),
    Column("comment", Text, nullable=False),
    Index("ix_alarm_actions_at_us", "at_us"),
)

maintenance = Table(
    "maintenance",
    metadata,
    Column("record_id", String(12), primary_key=True),
    Column("vehicle_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("planned_on", String(10), nullable=False),
    Column("done_on", String(10), nullable=False),
    Column("odometer_km", BigInteger),
    Column("reference", String(64), nullable=False),
    Column("notes", Text, nullable=False),
    Column("who", String(128), nullable=False),
    Column("log_offset", BigInteger),
    Column("line_sha256", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entered_at_us", BigInteger, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
    Column("capacity_ah", Float),
    Column("capacity_sd_ah", Float),
    Column("resistance_mohm", Float),
    Column("resistance_sd_mohm", Float),
    Column("soc_pct", Float),
    Column("temp_c", Float),
    Column("pulse_s", Float),
    Column("test_offset", BigInteger),
    Index("ix_maintenance_vehicle_id", "vehicle_id"),
)

mute_windows = Table(
    "mute_windows",
    metadata,
    Column("window_id", String(12), primary_key=True),
    Column("scope", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger),
    Column("reason", Text, nullable=False),
    Column("who", String(128), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Index("ix_mute_windows_name", "name"),
)

users = Table(
    "users",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("folded", String(64), nullable=False),
    Column("display_name", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("fleets", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("preferences", Text, nullable=False),
    Column("last_sign_in_us", BigInteger),
    Column("created_at_us", BigInteger, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
    Index("ix_users_folded", "folded", unique=True),
    Index("ix_users_external_id", "external_id"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("name_sha256", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("locked_until_us", BigInteger),
    Index("ix_sign_in_failures_last_us", "last_us"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("session_id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("username", String(64), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("begun_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("ended_at_us", BigInteger),
    Column("ended_by", String(16), nullable=False),
    Index("ix_sign_ins_username", "username"),
    Index("ix_sign_ins_expires_at_us", "expires_at_us"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("secret_sha256", String(64), primary_key=True),
    Column("session_id", String(32), nullable=False),
    Column("issued_at_us", BigInteger, nullable=False),
    Column("used_at_us", BigInteger),
    Index("ix_refresh_tokens_session_id", "session_id"),
)

grants = Table(
    "grants",
    metadata,
    Column("grant_id", String(12), primary_key=True),
    Column("vehicle_id", String(64), nullable=False),
    Column("username", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("given_by", String(128), nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger),
    Column("ended_at_us", BigInteger),
    Column("given_at_us", BigInteger, nullable=False),
    Index("ix_grants_vehicle_id", "vehicle_id"),
    Index("ix_grants_username", "username"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("fleets", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("last_used_at_us", BigInteger),
    Column("revoked_at_us", BigInteger),
    Index("ix_api_keys_created_by", "created_by"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("who", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("detail", Text, nullable=False),
    Column("request_id", String(64), nullable=False),
    Index("ix_audit_log_at_us", "at_us"),
    Index("ix_audit_log_who", "who", "number"),
    Index("ix_audit_log_subject", "subject", "number"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("erasure_id", String(12), primary_key=True),
    Column("vehicle_id", String(64), nullable=False),
    Column("from_us", BigInteger),
    Column("until_us", BigInteger),
    Column("asked_at_us", BigInteger, nullable=False),
    Column("done_at_us", BigInteger),
    Column("problem", Text, nullable=False),
)
