"""Accounts and their sign-ins, owners' grants, keys of machines, the audit log, and what is to be erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create the tables; nobody has an account yet."""
    _create_users()
    _create_sign_in_failures()
    _create_sign_ins()
    _create_refresh_tokens()
    _create_grants()
    _create_api_keys()
    _create_audit_log()
    _create_erasures()


def downgrade() -> None:
    """Drop them, and with them who may sign in."""
    op.drop_table("erasures")
    op.drop_index("ix_audit_log_subject", "audit_log")
    op.drop_index("ix_audit_log_who", "audit_log")
    op.drop_index("ix_audit_log_at_us", "audit_log")
    op.drop_table("audit_log")
    op.drop_index("ix_api_keys_created_by", "api_keys")
    op.drop_table("api_keys")
    op.drop_index("ix_grants_username", "grants")
    op.drop_index("ix_grants_vehicle_id", "grants")
    op.drop_table("grants")
    op.drop_index("ix_refresh_tokens_session_id", "refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index("ix_sign_ins_expires_at_us", "sign_ins")
    op.drop_index("ix_sign_ins_username", "sign_ins")
    op.drop_table("sign_ins")
    op.drop_index("ix_sign_in_failures_last_us", "sign_in_failures")
    op.drop_table("sign_in_failures")
    op.drop_index("ix_users_external_id", "users")
    op.drop_index("ix_users_folded", "users")
    op.drop_table("users")


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("folded", sa.String(64), nullable=False),
        sa.Column("display_name", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("fleets", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("preferences", sa.Text, nullable=False),
        sa.Column("last_sign_in_us", sa.BigInteger),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.Column("changed_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_users"),
    )
    op.create_index("ix_users_folded", "users", ["folded"], unique=True)
    op.create_index("ix_users_external_id", "users", ["external_id"])


def _create_sign_in_failures() -> None:
    op.create_table(
        "sign_in_failures",
        sa.Column("name_sha256", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("locked_until_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("name_sha256", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_last_us", "sign_in_failures", ["last_us"])


def _create_sign_ins() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("begun_at_us", sa.BigInteger, nullable=False),
        sa.Column("expires_at_us", sa.BigInteger, nullable=False),
        sa.Column("ended_at_us", sa.BigInteger),
        sa.Column("ended_by", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_sign_ins"),
    )
    op.create_index("ix_sign_ins_username", "sign_ins", ["username"])
    op.create_index("ix_sign_ins_expires_at_us", "sign_ins", ["expires_at_us"])


def _create_refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("issued_at_us", sa.BigInteger, nullable=False),
        sa.Column("used_at_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_refresh_tokens"),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])


def _create_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("grant_id", sa.String(12), nullable=False),
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("given_by", sa.String(128), nullable=False),
        sa.Column("from_us", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger),
        sa.Column("ended_at_us", sa.BigInteger),
        sa.Column("given_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("grant_id", name="pk_grants"),
    )
    op.create_index("ix_grants_vehicle_id", "grants", ["vehicle_id"])
    op.create_index("ix_grants_username", "grants", ["username"])


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("fleets", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.Column("expires_at_us", sa.BigInteger, nullable=False),
        sa.Column("last_used_at_us", sa.BigInteger),
        sa.Column("revoked_at_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_created_by", "api_keys", ["created_by"])


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_at_us", "audit_log", ["at_us"])
    op.create_index("ix_audit_log_who", "audit_log", ["who", "number"])
    op.create_index("ix_audit_log_subject", "audit_log", ["subject", "number"])


def _create_erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.String(12), nullable=False),
        sa.Column("vehicle_id", sa.String(64), nullable=False),
        sa.Column("from_us", sa.BigInteger),
        sa.Column("until_us", sa.BigInteger),
        sa.Column("asked_at_us", sa.BigInteger, nullable=False),
        sa.Column("done_at_us", sa.BigInteger),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", name="pk_erasures"),
    )
