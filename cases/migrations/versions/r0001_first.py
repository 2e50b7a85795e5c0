"""Warnings, cases, the trail, accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.migrations.triggers import append_only, growing_again

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
MONEY = sa.BigInteger()
OPEN = sa.text("state <> 'closed' AND parent_id IS NULL")
APPEND_ONLY = {
    "warning": "id = NEW.id OR fingerprint = NEW.fingerprint",
    "trail": "chain = NEW.chain AND seq = NEW.seq",
}
TABLES = ("account", "api_token", "warning", "case_file", "case_warning", "case_copy", "trail", "trail_head")


def upgrade() -> None:
    """Make the tables, then the triggers that keep `warning` and `trail` append-only."""
    _accounts()
    _warnings_and_cases()
    _trail()
    for table, same in APPEND_ONLY.items():
        for statement in append_only(op.get_bind().dialect.name, table, same):
            op.execute(statement)


def downgrade() -> None:
    """Remove everything, data included."""
    for table in reversed(TABLES):
        for statement in growing_again(op.get_bind().dialect.name, table) if table in APPEND_ONLY else ():
            op.execute(statement)
        op.drop_table(table)


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("display", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=200), nullable=True),
        sa.Column("password", sa.String(length=200), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_account"),
    )
    op.create_table(
        "api_token",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["name"], ["account.name"], name="fk_api_token_name_account"),
        sa.PrimaryKeyConstraint("hash", name="pk_api_token"),
    )
    op.create_index("ix_api_token_name", "api_token", ["name"])


def _warnings_and_cases() -> None:
    op.create_table(
        "warning",
        sa.Column("id", KEY, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("model_version", sa.String(length=200), nullable=False),
        sa.Column("scene", sa.String(length=80), nullable=False),
        sa.Column("scheme", sa.String(length=80), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("entity_kind", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.String(length=400), nullable=False),
        sa.Column("entity_name", sa.Text(), nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("lake_version", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=False),
        sa.Column("percentile", sa.Float(precision=53), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_warning"),
        sa.UniqueConstraint("fingerprint", name="uq_warning_fingerprint"),
    )
    op.create_index("ix_warning_entity", "warning", ["entity_kind", "entity_id", "scheme"])
    op.create_index("ix_warning_issued_at", "warning", ["issued_at"])
    op.create_index("ix_warning_model", "warning", ["model"])
    op.create_index("ix_warning_run_id", "warning", ["run_id"])
    op.create_index("ix_warning_scene", "warning", ["scene"])
    op.create_table(
        "case_file",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entity_kind", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.String(length=400), nullable=False),
        sa.Column("entity_name", sa.Text(), nullable=False),
        sa.Column("scheme", sa.String(length=80), nullable=False),
        sa.Column("scene", sa.String(length=80), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("gravity", sa.Float(precision=53), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("organisation", sa.String(length=200), nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.Column("due", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("transfers", sa.Integer(), nullable=False),
        sa.Column("urged", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        sa.Column("amount_found", MONEY, nullable=True),
        sa.Column("amount_recovered", MONEY, nullable=True),
        sa.Column("people_handled", sa.Integer(), nullable=True),
        sa.Column("earlier_id", KEY, nullable=True),
        sa.Column("parent_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(["earlier_id"], ["case_file.id"], name="fk_case_file_earlier_id_case_file"),
        sa.ForeignKeyConstraint(["parent_id"], ["case_file.id"], name="fk_case_file_parent_id_case_file"),
        sa.PrimaryKeyConstraint("id", name="pk_case_file"),
    )
    op.create_index("ix_case_file_closed_at", "case_file", ["closed_at"])
    op.create_index("ix_case_file_due", "case_file", ["due"])
    op.create_index("ix_case_file_entity", "case_file", ["entity_kind", "entity_id"])
    op.create_index("ix_case_file_gravity", "case_file", ["gravity", "id"])
    op.create_index("ix_case_file_organisation", "case_file", ["organisation"])
    op.create_index("ix_case_file_owner", "case_file", ["owner", "id"])
    op.create_index("ix_case_file_parent_id", "case_file", ["parent_id"])
    op.create_index("ix_case_file_scene", "case_file", ["scene"])
    op.create_index("ix_case_file_state", "case_file", ["state", "id"])
    op.create_index("ix_case_file_updated", "case_file", ["updated_at", "id"])
    op.create_index("ix_case_file_withdrawn_at", "case_file", ["withdrawn_at"])
    op.create_index(
        "uq_case_file_open",
        "case_file",
        ["entity_kind", "entity_id", "scheme"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "case_warning",
        sa.Column("warning_id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_case_warning_case_id_case_file"),
        sa.ForeignKeyConstraint(["warning_id"], ["warning.id"], name="fk_case_warning_warning_id_warning"),
        sa.PrimaryKeyConstraint("warning_id", name="pk_case_warning"),
    )
    op.create_index("ix_case_warning_case_id", "case_warning", ["case_id"])
    op.create_table(
        "case_copy",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_case_copy_case_id_case_file"),
        sa.ForeignKeyConstraint(["name"], ["account.name"], name="fk_case_copy_name_account"),
        sa.PrimaryKeyConstraint("case_id", "name", name="pk_case_copy"),
    )


def _trail() -> None:
    op.create_table(
        "trail",
        sa.Column("chain", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=200), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", "seq", name="pk_trail"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_trail_actor", "trail", ["actor"])
    op.create_index("ix_trail_at", "trail", ["at"])
    op.create_index("ix_trail_subject", "trail", ["subject_kind", "subject_id", "seq"])
    op.create_table(
        "trail_head",
        sa.Column("chain", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_trail_head"),
    )
