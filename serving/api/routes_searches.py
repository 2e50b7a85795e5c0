"""`/v1/searches`: filters of the queue that one keeps under a name; the console keeps the same ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Request
from pydantic import Field

from cases import pages, searches
from cases.tables_work import SavedSearch
from cases.workflow import State
from gnomon.terms import Severity
from serving.api.auth import Reader
from serving.api.paging import Cursor, Limit, Since, aware, paged, since
from serving.api.schemas import Wire
from serving.api.schemas_cases import CaseOut, CasesOut
from serving.api.state import serving_of

router = APIRouter(tags=["cases"])
Named = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[^/\x00-\x1f]+$")]


class FiltersIn(Wire):
    """How the queue is narrowed; what is left away narrows nothing."""

    state: State | Literal["alive"] = Field("alive", description="`alive`: all that have not ended.")
    owner: Literal["", "mine", "nobody", "copied", "overdue", "shuffled"] = Field(
        "", description="One's own, nobody's, those one reads along, past their date, handed on too often."
    )
    kind: str = Field("", max_length=40, description="Kind of entity.")
    scene: str = Field("", max_length=80)
    scheme: str = Field("", max_length=80)
    body: str = Field("", max_length=200, description="Who handles the case.")
    model: str = Field("", max_length=80, description="A warning model: cases that hold a warning of it.")
    severity: Severity | Literal[""] = ""
    text: str = Field("", max_length=searches.LONGEST, description="In name, id, title, scheme or number.")
    order: Literal["gravest", "newest"] = "gravest"


class SearchOut(Wire):
    """A saved search."""

    name: str
    filters: FiltersIn
    saved_at: datetime

    @classmethod
    def of(cls, found: SavedSearch) -> Self:
        """From its row."""
        filters = FiltersIn.model_validate(searches.fit(found.filters))
        return cls(name=found.name, filters=filters, saved_at=found.saved_at)


class SearchesOut(Wire):
    """A page of one's searches, by name."""

    items: list[SearchOut]
    cursor: str | None


@router.get("/v1/searches", summary="One's saved searches")
def list_searches(
    request: Request, asking: Reader, cursor: Cursor = None, limit: Limit = 50, updated_since: Since = None
) -> SearchesOut:
    """Nobody reads another's. The console shows the same ones."""
    with serving_of(request).reading() as session:
        rows = since(searches.mine(session, asking), updated_since, lambda one: one.saved_at)
        page, following = paged(rows, lambda one: [one.name], cursor, limit)
        return SearchesOut(items=[SearchOut.of(one) for one in page], cursor=following)


@router.put("/v1/searches/{name}", summary="Save a search")
def save(name: Named, asked: FiltersIn, request: Request, asking: Reader) -> SearchOut:
    """In place of what had the name. 422 when one keeps too many already."""
    with serving_of(request).session() as session:
        return SearchOut.of(searches.keep(session, asking, name, asked.model_dump(mode="json")))


@router.delete("/v1/searches/{name}", status_code=204, summary="Forget a search")
def forget(name: Named, request: Request, asking: Reader) -> None:
    """404 when one has none of that name."""
    with serving_of(request).session() as session:
        searches.forget(session, asking, name)


@router.get("/v1/searches/{name}/cases", summary="The cases that a saved search finds now")
def found(
    name: Named,
    request: Request,
    asking: Reader,
    cursor: Cursor = None,
    limit: Limit = 50,
    updated_since: Since = None,
) -> CasesOut:
    """A page of them, as `GET /v1/cases` tells them, in the order of the search."""
    with serving_of(request).reading() as session:
        filters = searches.fit(searches.required(session, asking, name).filters)
        asked = searches.narrowed(filters, asking, datetime.now(UTC))
        start = aware(updated_since)
        page = pages.cases(session, cursor=cursor, limit=limit, updated_since=start, reader=asking, **asked)
        return CasesOut(items=[CaseOut.of(row) for row in page.rows], cursor=page.cursor)
