"""Further tables of people's work: bodies and who takes part, and what the actions on a case leave behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, object_session

from cases.tables import MOMENT, Key, Moment, plain
from gnomon.database import Base


class Plain:
    """Rows that tell themselves as plain JSON values."""

    def as_dict(self) -> dict[str, Any]:
        """All columns but the bytes of files."""
        columns: Any = getattr(self, "__table__").columns  # noqa: B009  # the mapped class has it, this one does not
        return {c.key: plain(getattr(self, c.key)) for c in columns if not isinstance(c.type, LargeBinary)}


class Followed(Plain):
    """Rows that other systems follow: the mapper writes down when each changed last.

    Bulk UPDATE statements pass the mapper by, so rows of this kind are changed one by one.
    """

    updated_at: Mapped[datetime] = mapped_column(Moment, server_default="1970-01-01 00:00:00+00")


def _stamp(_mapper: Any, _connection: Any, row: Followed) -> None:
    turn = getattr(object_session(row), "info", {}).get(MOMENT)
    # Outside the line of writers a moment may come to light after a later one, and a follower would miss the row.
    if turn is None or not turn.unit.is_active:
        raise AssertionError("audit.begin comes before any change of what is followed")
    row.updated_at = turn.moment


for _moment in ("before_insert", "before_update"):
    event.listen(Followed, _moment, _stamp, propagate=True)


class Body(Plain, Base):
    """A registered body: one of the supervising kinds, a department, an owner unit; departments may lie in a body."""

    __tablename__ = "body"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    parent: Mapped[str | None] = mapped_column(ForeignKey("body.name"), index=True)
    oversight: Mapped[bool] = mapped_column(Boolean)
    """Sees and may supervise every case."""
    created_at: Mapped[datetime] = mapped_column(Moment)


class Route(Base):
    """New cases of a scene go to this body's queue."""

    __tablename__ = "route"

    scene: Mapped[str] = mapped_column(String(80), primary_key=True)
    body: Mapped[str] = mapped_column(ForeignKey("body.name"), primary_key=True)


class RoleGrant(Base):
    """A role that a person has in one scene, one body, or both; `*` stands for all."""

    __tablename__ = "role_grant"

    name: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    scene: Mapped[str] = mapped_column(String(80), primary_key=True)
    body: Mapped[str] = mapped_column(String(200), primary_key=True)
    role: Mapped[str] = mapped_column(String(40))


class Party(Plain, Base):
    """A body that takes part in a case, and on which side."""

    __tablename__ = "party"
    __table_args__ = (Index("ix_party_body", "body", "case_id"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    body: Mapped[str] = mapped_column(String(200), primary_key=True)
    side: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)
    received_by: Mapped[str | None] = mapped_column(String(80))
    """Who of the body opened the case first, and when: the receipt."""
    received_at: Mapped[datetime | None] = mapped_column(Moment)
    confirmed_by: Mapped[str | None] = mapped_column(String(80))
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)


class Item(Plain, Base):
    """One thing to be put right, with who does it, by when, and who checked it."""

    __tablename__ = "rectification_item"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str | None] = mapped_column(String(200))
    due: Mapped[datetime | None] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(20))
    """ordered, submitted, passed or returned."""
    result: Mapped[str | None] = mapped_column(Text)
    submitted_by: Mapped[str | None] = mapped_column(String(80))
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    checked_by: Mapped[str | None] = mapped_column(String(80))
    checked_at: Mapped[datetime | None] = mapped_column(Moment)


class Attachment(Plain, Base):
    """A file that belongs to a case: evidence of a rectification, minutes, a letter."""

    __tablename__ = "attachment"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("rectification_item.id"))
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """Up to twenty megabytes: read for who opens the file, not for lists."""
    added_by: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime] = mapped_column(Moment)


class Consultation(Followed, Base):
    """A question that several people were called together on."""

    __tablename__ = "consultation"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    topic: Mapped[str] = mapped_column(Text)
    called_by: Mapped[str] = mapped_column(String(80))
    called_at: Mapped[datetime] = mapped_column(Moment)
    minutes: Mapped[str | None] = mapped_column(Text)
    concluded_by: Mapped[str | None] = mapped_column(String(80))
    concluded_at: Mapped[datetime | None] = mapped_column(Moment)


class Seat(Plain, Base):
    """Somebody called to a consultation, and their vote."""

    __tablename__ = "consultation_seat"

    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultation.id"), primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    answer: Mapped[str | None] = mapped_column(String(10))
    """yes, no or abstain."""
    comment: Mapped[str | None] = mapped_column(Text)
    voted_at: Mapped[datetime | None] = mapped_column(Moment)


class Circular(Plain, Base):
    """What bodies were told about a case. They read this text, not the case."""

    __tablename__ = "circular"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    told: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(Moment)


class Audience(Followed, Base):
    """A body that a circular went to, and its acknowledgement."""

    __tablename__ = "circular_audience"

    circular_id: Mapped[int] = mapped_column(ForeignKey("circular.id"), primary_key=True)
    body: Mapped[str] = mapped_column(ForeignKey("body.name"), primary_key=True, index=True)
    acknowledged_by: Mapped[str | None] = mapped_column(String(80))
    acknowledged_at: Mapped[datetime | None] = mapped_column(Moment)


class Suppression(Followed, Base):
    """Warnings like this stay out of the queue until a date; somebody asked, somebody else approved."""

    __tablename__ = "suppression"
    __table_args__ = (Index("ix_suppression_entity", "entity_kind", "entity_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    entity_kind: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[str] = mapped_column(String(400))
    scheme: Mapped[str] = mapped_column(String(80))
    """One scheme, or `*`."""
    reason: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime] = mapped_column(Moment)
    approved_by: Mapped[str | None] = mapped_column(String(80))
    approved_at: Mapped[datetime | None] = mapped_column(Moment)
    lifted_by: Mapped[str | None] = mapped_column(String(80))
    lifted_at: Mapped[datetime | None] = mapped_column(Moment)


class Hidden(Base):
    """A warning that a suppression kept out of the queue; it is stored and counted all the same."""

    __tablename__ = "hidden_warning"

    warning_id: Mapped[int] = mapped_column(ForeignKey("warning.id"), primary_key=True)
    suppression_id: Mapped[int] = mapped_column(ForeignKey("suppression.id"), index=True)
    hidden_at: Mapped[datetime] = mapped_column(Moment)


class Foreign(Plain, Base):
    """A warning or case of another platform: what it said, what ours says, and where it went."""

    __tablename__ = "foreign_record"
    __table_args__ = (Index("uq_foreign_record", "system", "foreign_id", "body", unique=True),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    system: Mapped[str] = mapped_column(String(80))
    foreign_id: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """Whose numbering it is: of an import, the body that brought it in; empty for a platform that tells the city."""
    told: Mapped[str] = mapped_column(Text)
    """The record as it came, as JSON."""
    their_score: Mapped[float | None] = mapped_column(Float(53))
    our_score: Mapped[float | None] = mapped_column(Float(53))
    our_percentile: Mapped[float | None] = mapped_column(Float(53))
    our_model: Mapped[str | None] = mapped_column(String(120))
    verdict: Mapped[str] = mapped_column(String(20))
    """agreed, quiet (ours stays silent), unknown (ours cannot judge) or imported."""
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(Moment)


class GivenPackage(Base):
    """A case as it was given to another agency, signed."""

    __tablename__ = "given_package"

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    told: Mapped[str] = mapped_column(Text)
    """The package with its signature, as the agency got it."""
    given_at: Mapped[datetime] = mapped_column(Moment)


class Policy(Base):
    """One decision about how this deployment works, as JSON; without a row the default holds."""

    __tablename__ = "policy"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class SavedSearch(Base):
    """Filters of the queue that one person keeps under a name; nobody else reads them."""

    __tablename__ = "saved_search"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    filters: Mapped[dict[str, str]] = mapped_column(JSON)
    saved_at: Mapped[datetime] = mapped_column(Moment)


class Notice(Followed, Base):
    """Something that a person should know, until they have read it."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_name", "name", "id"), Index("ix_notice_updated", "name", "updated_at", "id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("account.name"))
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"))
    kind: Mapped[str] = mapped_column(String(40))
    text_zh: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Moment)
    read_at: Mapped[datetime | None] = mapped_column(Moment)


class Endpoint(Plain, Base):
    """Where another system wants to be told; its key is derived from the deployment's and stands nowhere."""

    __tablename__ = "endpoint"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    url: Mapped[str] = mapped_column(String(1000))
    body: Mapped[str | None] = mapped_column(ForeignKey("body.name"))
    """Only cases that this body may see; null: all."""
    kinds: Mapped[str] = mapped_column(Text)
    """Kinds of events, separated by blanks; `*` for all, `case.*` for a family."""
    salt: Mapped[str] = mapped_column(String(64))
    disabled: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Delivery(Plain, Base):
    """One message to one receiver: written with the change it tells of, sent until it arrives or is given up."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "ix_delivery_due",
            "next_at",
            sqlite_where=text("done_at IS NULL AND dead_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND dead_at IS NULL"),
        ),
        Index(
            "ix_delivery_dead",
            "dead_at",
            "id",
            sqlite_where=text("dead_at IS NOT NULL"),
            postgresql_where=text("dead_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    event: Mapped[str] = mapped_column(String(40))
    """Identifier of the event; the same for every receiver and every attempt."""
    channel: Mapped[str] = mapped_column(String(10))
    """webhook or mail."""
    target: Mapped[str] = mapped_column(String(200))
    """Name of the endpoint, or the address."""
    kind: Mapped[str] = mapped_column(String(60))
    told: Mapped[str] = mapped_column(Text)
    """What is sent, as JSON."""
    at: Mapped[datetime] = mapped_column(Moment)
    next_at: Mapped[datetime] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    dead_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(Text)


class Merge(Plain, Base):
    """One case put into another, and whether that was undone."""

    __tablename__ = "merge"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    into_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(Moment)
    undone_by: Mapped[str | None] = mapped_column(String(80))
    undone_at: Mapped[datetime | None] = mapped_column(Moment)
