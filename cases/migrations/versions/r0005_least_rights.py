"""Saved searches, packages as they were given, tokens with scopes, imported records numbered body by body."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
NUMBERED = "uq_foreign_record"
IMPORTER = """\
UPDATE foreign_record SET body = coalesce((
  SELECT account.organisation FROM trail
  JOIN account ON account.name = replace(replace(trail.actor, 'token:', ''), 'cli:', '')
  WHERE trail.subject_kind = 'case' AND trail.subject_id = CAST(foreign_record.case_id AS VARCHAR(40))
    AND trail.action = 'open'
  ORDER BY trail.seq LIMIT 1), '')
WHERE verdict = 'imported'"""
"""Who brought a case in stands on the trail."""
APART = """\
UPDATE foreign_record SET foreign_id = foreign_id || '#' || id WHERE EXISTS (
  SELECT 1 FROM foreign_record AS other
  WHERE other.system = foreign_record.system AND other.foreign_id = foreign_record.foreign_id
    AND other.id < foreign_record.id)"""


def upgrade() -> None:
    """Add the tables and the columns; every token keeps its account's whole role."""
    op.create_table(
        "saved_search",
        sa.Column("account", sa.String(80), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name="pk_saved_search"),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name="fk_saved_search_account_account"),
    )
    op.create_table(
        "given_package",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_given_package"),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_given_package_case_id_case_file"),
    )
    op.create_index("ix_given_package_case_id", "given_package", ["case_id"])
    op.add_column("api_token", sa.Column("scopes", sa.Text(), nullable=True))
    op.add_column("foreign_record", sa.Column("body", sa.String(200), server_default="", nullable=False))
    op.execute(IMPORTER)
    op.drop_index(NUMBERED, "foreign_record")
    op.create_index(NUMBERED, "foreign_record", ["system", "foreign_id", "body"], unique=True)


def downgrade() -> None:
    """Take them away; numbers that two bodies gave to records of one name get a mark of their own."""
    op.drop_index(NUMBERED, "foreign_record")
    op.execute(APART)
    op.drop_column("foreign_record", "body")
    op.create_index(NUMBERED, "foreign_record", ["system", "foreign_id"], unique=True)
    op.drop_column("api_token", "scopes")
    op.drop_table("given_package")
    op.drop_table("saved_search")
