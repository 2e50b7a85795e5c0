"""The tables of people's work. `warning` and `trail` only ever grow: triggers of the database refuse anything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    event,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from gnomon.database import Base
from gnomon.terms import Text as Told
from gnomon.terms import Warned


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, aware in Python on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; SQLite keeps no zone, so it gets none."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An amount in yuan, stored as whole fen: exact on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Yuan to fen."""
        return None if value is None else int((value * 100).to_integral_value())

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Fen to yuan."""
        return None if value is None else Decimal(value).scaleb(-2)


MOMENT = "cases.moment"
"""Where a session keeps its turn as the trail's writer, with the moment of all that it changes."""
STANDS = "state NOT IN ('closed', 'merged') AND parent_id IS NULL"
"""A case that new warnings about its entity and scheme join."""
BULK = ("issue", "open", "join", "read")
"""Events that no person wrote anything in."""
DEEDS = f"action NOT IN ({', '.join(repr(action) for action in BULK)})"
"""The others, as the database knows them."""
Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the key is an INTEGER."""


class IssuedWarning(Base):
    """One issued warning with everything needed to read it years later; never updated, never deleted."""

    __tablename__ = "warning"
    __table_args__ = (
        Index("ix_warning_entity", "entity_kind", "entity_id", "scheme"),
        # A scoring run issues all its warnings at one moment: who follows goes on by the number.
        Index("ix_warning_issued_at", "issued_at", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    model: Mapped[str] = mapped_column(String(120), index=True)
    model_version: Mapped[str] = mapped_column(String(200))
    scene: Mapped[str] = mapped_column(String(80), index=True)
    scheme: Mapped[str] = mapped_column(String(80))
    severity: Mapped[str] = mapped_column(String(20))
    entity_kind: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[str] = mapped_column(String(400))
    entity_name: Mapped[str] = mapped_column(Text)
    as_of: Mapped[datetime] = mapped_column(Moment)
    lake_version: Mapped[int] = mapped_column(BigInteger)
    score: Mapped[float] = mapped_column(Float(53))
    percentile: Mapped[float] = mapped_column(Float(53))
    issued_at: Mapped[datetime] = mapped_column(Moment)
    run_id: Mapped[str] = mapped_column(String(64), index=True)
    pack: Mapped[str] = mapped_column(Text)
    """`Warned.as_dict` as JSON; its SHA-256 stands on the trail."""

    def warned(self) -> Warned:
        """The warning as it was issued."""
        return Warned.of(json.loads(self.pack))


class Case(Base):
    """What people handle: the warnings about one entity and scheme, until someone has answered them."""

    __tablename__ = "case_file"
    __table_args__ = (
        # One open case per entity and scheme, whatever runs at the same time; sub-cases stand beside their parent.
        Index(
            "uq_case_file_open",
            "entity_kind",
            "entity_id",
            "scheme",
            unique=True,
            sqlite_where=text(STANDS),
            postgresql_where=text(STANDS),
        ),
        Index("ix_case_file_updated", "updated_at", "id"),
        Index("ix_case_file_gravity", "gravity", "id"),
        Index("ix_case_file_state", "state", "id"),
        Index("ix_case_file_owner", "owner", "id"),
        Index("ix_case_file_entity", "entity_kind", "entity_id"),
        Index("ix_case_file_scheme", "scheme", "gravity", "id"),
        # What counting for one body looks at: the table's own rows are many times wider.
        Index("ix_case_file_counted", "pool", "state", "owner", "id"),
        # The latest cases of a scheme that somebody signed for: what forecasts learn from.
        Index(
            "ix_case_file_cohort",
            "scheme",
            "id",
            sqlite_where=text("claimed_at IS NOT NULL"),
            postgresql_where=text("claimed_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    """Grows with every change; an action names the version it was decided on."""
    entity_kind: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[str] = mapped_column(String(400))
    entity_name: Mapped[str] = mapped_column(Text)
    scheme: Mapped[str] = mapped_column(String(80))
    scene: Mapped[str] = mapped_column(String(80), index=True)
    title_zh: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(String(20))
    gravity: Mapped[float] = mapped_column(Float(53))
    """Highest percentile among its warnings, plus 1 when one of them is an alert: the queue's order by weight."""
    warnings: Mapped[int] = mapped_column(Integer)
    as_of: Mapped[datetime] = mapped_column(Moment)
    """As-of date of its newest warning: the profile that is judged when the case closes."""
    state: Mapped[str] = mapped_column(String(20))
    owner: Mapped[str | None] = mapped_column(String(80))
    organisation: Mapped[str | None] = mapped_column(String(200), index=True)
    """Body that handles the case, from its owner."""
    opened_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    due: Mapped[datetime | None] = mapped_column(Moment, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    """When a reopening withdrew the label of an earlier closing."""
    transfers: Mapped[int] = mapped_column(Integer)
    urged: Mapped[int] = mapped_column(Integer)
    """How often a supervisor pressed for progress."""
    outcome: Mapped[str | None] = mapped_column(String(20))
    closing_reason: Mapped[str | None] = mapped_column(Text)
    amount_found: Mapped[Decimal | None] = mapped_column(Money)
    amount_recovered: Mapped[Decimal | None] = mapped_column(Money)
    people_handled: Mapped[int | None] = mapped_column(Integer)
    earlier_id: Mapped[int | None] = mapped_column(ForeignKey("case_file.id"))
    """The closed case about the same entity and scheme that went before."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("case_file.id"), index=True)
    """The case that this one is a part of."""
    merged_into: Mapped[int | None] = mapped_column(Key, index=True)
    """The case that handles this one's warnings."""
    origin: Mapped[str] = mapped_column(String(20), default="warning", server_default="warning")
    """warning, hand, import or rescreen."""
    description: Mapped[str | None] = mapped_column(Text)
    """What was said when it was raised by hand or imported."""
    pool: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    """No body takes part yet."""
    liaison: Mapped[str | None] = mapped_column(String(80))
    """The person whom all sides turn to."""
    level: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """0 nobody pressed, 1 supervised, 2 supervised again."""
    urged_at: Mapped[datetime | None] = mapped_column(Moment)
    moved_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    """When its owner or state last made progress: what stuck detection counts from."""
    refusals: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    shuffled: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Was handed on so often that somebody should ask why."""
    paused_at: Mapped[datetime | None] = mapped_column(Moment)
    paused_days: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """Working days that the clock stood still."""
    proposal: Mapped[str | None] = mapped_column(Text)
    """The closing that waits for a second pair of eyes, as JSON: by, outcome, reason, amounts."""
    haystack: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Name, id, titles and scheme in small letters: what search looks in."""

    @property
    def title(self) -> Told:
        """What the case is about, from its gravest warning."""
        return Told(self.title_zh, self.title_en)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, all columns but the one that search looks in."""
        names = (column.key for column in self.__table__.columns)
        return {name: plain(getattr(self, name)) for name in names if name != "haystack"}


def make_findable(case: Case) -> None:
    """Bring what search looks in up to date; the mapper does it for whatever goes through a session."""
    told = (case.entity_name, case.entity_id, case.title_zh, case.title_en, case.scheme, case.description)
    case.haystack = " ".join(one for one in told if one).lower()


for _moment in ("before_insert", "before_update"):
    event.listen(Case, _moment, lambda _mapper, _connection, case: make_findable(case))


class CaseWarning(Base):
    """Which warnings a case holds."""

    __tablename__ = "case_warning"

    warning_id: Mapped[int] = mapped_column(ForeignKey("warning.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    first_case_id: Mapped[int | None] = mapped_column(Key)
    """The case that it belonged to before a merge; unmerging gives it back."""
    joined_at: Mapped[datetime] = mapped_column(Moment)


class CaseCopy(Base):
    """Who reads along, and since when they have."""

    __tablename__ = "case_copy"

    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(Moment)
    read_at: Mapped[datetime | None] = mapped_column(Moment)


class Trail(Base):
    """One event; its hash covers its content and the hash of the event before it."""

    __tablename__ = "trail"
    # WITHOUT ROWID: a hidden row number would be a second key by which SQLite's INSERT OR REPLACE could overwrite.
    __table_args__ = (
        Index("ix_trail_subject", "subject_kind", "subject_id", "seq"),
        Index("ix_trail_at", "at", "seq"),
        # What people did, in its order: a scoring run puts a hundred thousand other events in between.
        Index("ix_trail_deeds", "seq", sqlite_where=text(DEEDS), postgresql_where=text(DEEDS)),
        {"sqlite_with_rowid": False},
    )

    chain: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(120), index=True)
    action: Mapped[str] = mapped_column(String(40))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(200))
    before: Mapped[str] = mapped_column(Text)
    """Canonical JSON; `null` when there was nothing before."""
    after: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class TrailHead(Base):
    """The end of a chain: what the next event follows, and the lock that writers queue for."""

    __tablename__ = "trail_head"

    chain: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment)


class Account(Base):
    """One person who may sign in, or one system that may call."""

    __tablename__ = "account"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    display: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(40))
    organisation: Mapped[str | None] = mapped_column(String(200))
    password: Mapped[str | None] = mapped_column(String(200))
    """Argon2 hash; null for an account that signs in by token alone."""
    email: Mapped[str | None] = mapped_column(String(200))
    disabled: Mapped[bool] = mapped_column(Boolean)
    failures: Mapped[int] = mapped_column(Integer)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class ApiToken(Base):
    """A key of an account; only its SHA-256 is kept."""

    __tablename__ = "api_token"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    scopes: Mapped[str | None] = mapped_column(Text)
    """What it may be used for, separated by blanks; null: all that the account's role may."""


def plain(value: Any) -> Any:
    """A column's value as JSON takes it: moments as ISO text, amounts as decimal text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
