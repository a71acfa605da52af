"""What a workshop tested: capacity and resistance beside the work that was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

_FIGURES = ("capacity_ah", "capacity_sd_ah", "resistance_mohm", "resistance_sd_mohm", "soc_pct", "temp_c", "pulse_s")


def upgrade() -> None:
    """Add the columns; records of an earlier release have no test."""
    for name in _FIGURES:
        op.add_column("maintenance", sa.Column(name, sa.Float))
    op.add_column("maintenance", sa.Column("test_offset", sa.BigInteger))


def downgrade() -> None:
    """Drop them; versions that tests made stay."""
    for name in ("test_offset", *reversed(_FIGURES)):
        op.drop_column("maintenance", name)
