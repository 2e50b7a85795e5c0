"""Bodies and sides, rectification, consultations, circulars, messages, search."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
TABLES = (
    "body",
    "route",
    "role_grant",
    "party",
    "policy",
    "rectification_item",
    "attachment",
    "consultation",
    "consultation_seat",
    "circular",
    "circular_audience",
    "suppression",
    "hidden_warning",
    "foreign_record",
    "merge",
    "notice",
    "endpoint",
    "delivery",
)
COLUMNS = {
    "account": ("email",),
    "case_warning": ("first_case_id",),
    "case_file": (
        "merged_into",
        "origin",
        "description",
        "pool",
        "liaison",
        "level",
        "urged_at",
        "moved_at",
        "refusals",
        "shuffled",
        "paused_at",
        "paused_days",
        "proposal",
        "haystack",
    ),
}
OPEN_BEFORE = "state <> 'closed' AND parent_id IS NULL"
OPEN_NOW = "state NOT IN ('closed', 'merged') AND parent_id IS NULL"
BIGRAMS = """\
CREATE FUNCTION gnomon_bigrams(told text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT coalesce(array_agg(DISTINCT substr(told, n, 2)), '{}') FROM generate_series(1, length(told) - 1) AS n $$"""
# Two neighbouring letters are what Chinese words are made of; PostgreSQL's own trigrams cannot find two of them.
SEARCH = (
    "CREATE INDEX ix_search_case ON case_file USING gin (gnomon_bigrams(haystack))",
    "CREATE INDEX ix_search_warning ON warning USING gin "
    "(gnomon_bigrams(lower(entity_name || ' ' || entity_id || ' ' || scheme)))",
    "CREATE INDEX ix_search_trail ON trail USING gin (gnomon_bigrams(lower(after))) "
    "WHERE action NOT IN ('issue', 'open', 'join', 'read')",
)


def upgrade() -> None:
    """Add the tables and columns, then what search needs on PostgreSQL."""
    _bodies()
    _work()
    _messages()
    _columns()
    _one_open_case(OPEN_NOW)
    told = "entity_name || ' ' || entity_id || ' ' || title_zh || ' ' || title_en || ' ' || scheme"
    op.execute(f"UPDATE case_file SET moved_at = updated_at, haystack = lower({told})")
    if op.get_bind().dialect.name == "postgresql":
        for statement in (BIGRAMS, *SEARCH):
            op.execute(statement)


def downgrade() -> None:
    """Take them away again; cases that were merged count as open once more only where no other is."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION gnomon_bigrams(text) CASCADE")
    op.execute("UPDATE case_file SET state = 'closed' WHERE state = 'merged'")
    op.execute("UPDATE case_file SET state = 'review' WHERE state IN ('paused', 'closing')")
    op.execute("UPDATE case_file SET state = 'open' WHERE state = 'reminded'")
    _one_open_case(OPEN_BEFORE)
    for index in ("ix_case_file_merged_into", "ix_case_file_moved_at", "ix_case_file_pool"):
        op.drop_index(index, "case_file")
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column)
    for table in reversed(TABLES):
        op.drop_table(table)


def _one_open_case(stands: str) -> None:
    op.drop_index("uq_case_file_open", "case_file")
    where, columns = sa.text(stands), ["entity_kind", "entity_id", "scheme"]
    op.create_index("uq_case_file_open", "case_file", columns, unique=True, sqlite_where=where, postgresql_where=where)


def _columns() -> None:
    op.add_column("account", sa.Column("email", sa.String(length=200), nullable=True))
    op.add_column("case_file", sa.Column("merged_into", KEY, nullable=True))
    op.add_column("case_file", sa.Column("origin", sa.String(length=20), server_default="warning", nullable=False))
    op.add_column("case_file", sa.Column("description", sa.Text(), nullable=True))
    op.add_column("case_file", sa.Column("pool", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("case_file", sa.Column("liaison", sa.String(length=80), nullable=True))
    op.add_column("case_file", sa.Column("level", sa.Integer(), server_default="0", nullable=False))
    op.add_column("case_file", sa.Column("urged_at", MOMENT, nullable=True))
    op.add_column("case_file", sa.Column("moved_at", MOMENT, nullable=True))
    op.add_column("case_file", sa.Column("refusals", sa.Integer(), server_default="0", nullable=False))
    op.add_column("case_file", sa.Column("shuffled", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("case_file", sa.Column("paused_at", MOMENT, nullable=True))
    op.add_column("case_file", sa.Column("paused_days", sa.Integer(), server_default="0", nullable=False))
    op.add_column("case_file", sa.Column("proposal", sa.Text(), nullable=True))
    op.add_column("case_file", sa.Column("haystack", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_case_file_merged_into", "case_file", ["merged_into"])
    op.create_index("ix_case_file_moved_at", "case_file", ["moved_at"])
    op.create_index("ix_case_file_pool", "case_file", ["pool", "id"])
    op.add_column("case_warning", sa.Column("first_case_id", KEY, nullable=True))


def _bodies() -> None:
    op.create_table(
        "body",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("parent", sa.String(length=200), nullable=True),
        sa.Column("oversight", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["body.name"], name="fk_body_parent_body"),
        sa.PrimaryKeyConstraint("name", name="pk_body"),
    )
    op.create_index("ix_body_parent", "body", ["parent"])
    op.create_table(
        "route",
        sa.Column("scene", sa.String(length=80), nullable=False),
        sa.Column("body", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["body"], ["body.name"], name="fk_route_body_body"),
        sa.PrimaryKeyConstraint("scene", "body", name="pk_route"),
    )
    op.create_table(
        "role_grant",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("scene", sa.String(length=80), nullable=False),
        sa.Column("body", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["account.name"], name="fk_role_grant_name_account"),
        sa.PrimaryKeyConstraint("name", "scene", "body", name="pk_role_grant"),
    )
    op.create_table(
        "party",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("body", sa.String(length=200), nullable=False),
        sa.Column("side", sa.String(length=20), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("received_by", sa.String(length=80), nullable=True),
        sa.Column("received_at", MOMENT, nullable=True),
        sa.Column("confirmed_by", sa.String(length=80), nullable=True),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_party_case_id_case_file"),
        sa.PrimaryKeyConstraint("case_id", "body", "side", name="pk_party"),
    )
    op.create_index("ix_party_body", "party", ["body", "case_id"])
    op.create_table(
        "policy",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_policy"),
    )


def _work() -> None:
    op.create_table(
        "rectification_item",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.String(length=200), nullable=True),
        sa.Column("due", MOMENT, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("submitted_by", sa.String(length=80), nullable=True),
        sa.Column("submitted_at", MOMENT, nullable=True),
        sa.Column("checked_by", sa.String(length=80), nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_rectification_item_case_id_case_file"),
        sa.PrimaryKeyConstraint("id", name="pk_rectification_item"),
    )
    op.create_index("ix_rectification_item_case_id", "rectification_item", ["case_id"])
    op.create_table(
        "attachment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_attachment_case_id_case_file"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["rectification_item.id"], name="fk_attachment_item_id_rectification_item"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_attachment"),
    )
    op.create_index("ix_attachment_case_id", "attachment", ["case_id"])
    op.create_table(
        "consultation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("called_by", sa.String(length=80), nullable=False),
        sa.Column("called_at", MOMENT, nullable=False),
        sa.Column("minutes", sa.Text(), nullable=True),
        sa.Column("concluded_by", sa.String(length=80), nullable=True),
        sa.Column("concluded_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_consultation_case_id_case_file"),
        sa.PrimaryKeyConstraint("id", name="pk_consultation"),
    )
    op.create_index("ix_consultation_case_id", "consultation", ["case_id"])
    op.create_table(
        "consultation_seat",
        sa.Column("consultation_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("voted_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name="fk_consultation_seat_consultation_id_consultation"
        ),
        sa.ForeignKeyConstraint(["name"], ["account.name"], name="fk_consultation_seat_name_account"),
        sa.PrimaryKeyConstraint("consultation_id", "name", name="pk_consultation_seat"),
    )
    op.create_table(
        "circular",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_circular_case_id_case_file"),
        sa.PrimaryKeyConstraint("id", name="pk_circular"),
    )
    op.create_index("ix_circular_case_id", "circular", ["case_id"])
    op.create_table(
        "circular_audience",
        sa.Column("circular_id", KEY, nullable=False),
        sa.Column("body", sa.String(length=200), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=80), nullable=True),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["body"], ["body.name"], name="fk_circular_audience_body_body"),
        sa.ForeignKeyConstraint(["circular_id"], ["circular.id"], name="fk_circular_audience_circular_id_circular"),
        sa.PrimaryKeyConstraint("circular_id", "body", name="pk_circular_audience"),
    )
    op.create_index("ix_circular_audience_body", "circular_audience", ["body"])
    op.create_table(
        "suppression",
        sa.Column("id", KEY, nullable=False),
        sa.Column("entity_kind", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.String(length=400), nullable=False),
        sa.Column("scheme", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=True),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("lifted_by", sa.String(length=80), nullable=True),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_suppression"),
    )
    op.create_index("ix_suppression_entity", "suppression", ["entity_kind", "entity_id"])
    op.create_table(
        "hidden_warning",
        sa.Column("warning_id", KEY, nullable=False),
        sa.Column("suppression_id", KEY, nullable=False),
        sa.Column("hidden_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["suppression_id"], ["suppression.id"], name="fk_hidden_warning_suppression_id_suppression"
        ),
        sa.ForeignKeyConstraint(["warning_id"], ["warning.id"], name="fk_hidden_warning_warning_id_warning"),
        sa.PrimaryKeyConstraint("warning_id", name="pk_hidden_warning"),
    )
    op.create_index("ix_hidden_warning_suppression_id", "hidden_warning", ["suppression_id"])
    op.create_table(
        "foreign_record",
        sa.Column("id", KEY, nullable=False),
        sa.Column("system", sa.String(length=80), nullable=False),
        sa.Column("foreign_id", sa.String(length=200), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("their_score", sa.Float(precision=53), nullable=True),
        sa.Column("our_score", sa.Float(precision=53), nullable=True),
        sa.Column("our_percentile", sa.Float(precision=53), nullable=True),
        sa.Column("our_model", sa.String(length=120), nullable=True),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_foreign_record_case_id_case_file"),
        sa.PrimaryKeyConstraint("id", name="pk_foreign_record"),
    )
    op.create_index("ix_foreign_record_case_id", "foreign_record", ["case_id"])
    op.create_index("uq_foreign_record", "foreign_record", ["system", "foreign_id"], unique=True)
    op.create_table(
        "merge",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("into_id", KEY, nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("undone_by", sa.String(length=80), nullable=True),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_merge_case_id_case_file"),
        sa.ForeignKeyConstraint(["into_id"], ["case_file.id"], name="fk_merge_into_id_case_file"),
        sa.PrimaryKeyConstraint("id", name="pk_merge"),
    )
    op.create_index("ix_merge_case_id", "merge", ["case_id"])
    op.create_index("ix_merge_into_id", "merge", ["into_id"])


def _messages() -> None:
    op.create_table(
        "notice",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_notice_case_id_case_file"),
        sa.ForeignKeyConstraint(["name"], ["account.name"], name="fk_notice_name_account"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
    )
    op.create_index("ix_notice_name", "notice", ["name", "id"])
    op.create_table(
        "endpoint",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("body", sa.String(length=200), nullable=True),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["body"], ["body.name"], name="fk_endpoint_body_body"),
        sa.PrimaryKeyConstraint("name", name="pk_endpoint"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", KEY, nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("dead_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["next_at"],
        sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
