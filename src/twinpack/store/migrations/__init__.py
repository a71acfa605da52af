"""Alembic migrations of the registry; they travel inside the package and need no file beside it."""
