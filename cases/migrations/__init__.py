"""Alembic migrations of the database; they ship with the package and run by `cases.store.upgrade`."""
