"""`/v1/changes`: every list in the order of its changes, for systems that follow along."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from cases import feeds
from cases.feeds import Feed
from cases.people import Person
from cases.workflow import READERS, Role
from serving.api import auth
from serving.api.auth import Anyone
from serving.api.paging import Limit, Since, aware
from serving.api.schemas import Wire
from serving.api.state import serving_of

router = APIRouter(tags=["changes"])
LEARNERS = (Role.DATA_SCIENTIST, Role.SERVICE, Role.SUPERVISOR)
"""Roles that labels are for."""
IMPORTERS = (Role.SERVICE, Role.SUPERVISOR)
"""Roles that bring in what another platform holds, and hear what became of it."""


class ChangesOut(Wire):
    """A page of changes, the oldest first; a row that changes again comes again."""

    items: list[dict[str, Any]]
    cursor: str | None = Field(description="Give it back next time, also when nothing more waits now.")
    more: bool = Field(description="Another page waits already.")


@router.get("/v1/changes/{feed}", summary="What has changed since, in one list")
def changes(
    feed: Feed,
    request: Request,
    asking: Anyone,
    cursor: Annotated[str | None, Query(max_length=800, description="Of one's last answer.")] = None,
    limit: Limit = 50,
    updated_since: Since = None,
    system: Annotated[str | None, Query(max_length=200, description="One other platform (rescreen).")] = None,
) -> ChangesOut:
    """Ask again with the cursor of the last answer, for ever: nothing is skipped, whatever is written in between."""
    _may_follow(feed, asking)
    with serving_of(request).reading() as session:
        found = feeds.changes(
            session,
            feed,
            asking,
            updated_since=aware(updated_since),
            cursor=cursor,
            limit=limit,
            system=system,
        )
    return ChangesOut(items=list(found.rows), cursor=found.cursor, more=found.more)


def _may_follow(feed: Feed, asking: Person) -> None:
    """Raise a fault (403) for a list that is not for this role."""
    # Messages that were given up name receivers of every body's cases: they are for those who run the deployment.
    roles = {
        Feed.DEAD: (Role.ADMINISTRATOR,),
        Feed.LABELS: LEARNERS,
        Feed.RESCREEN: IMPORTERS,
    }.get(feed, tuple(sorted(READERS)))
    auth.required_role(asking, *roles)
