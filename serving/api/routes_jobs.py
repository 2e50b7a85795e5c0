"""`/v1/jobs`: score many entities without waiting for it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.orm import Session

from cases import bodies
from cases.workflow import Role
from gnomon.errors import Fault
from serving.api.auth import Reader
from serving.api.schemas_jobs import EntityAskedOut, JobIn, JobOut, JobRows, JobsOut, NotScored
from serving.api.state import serving_of
from serving.jobs import Job

router = APIRouter(tags=["jobs"])
Key = Annotated[str, Path(max_length=60)]


@router.post("/v1/jobs", status_code=202, summary="Score many entities")
def submit(asked: JobIn, request: Request, asking: Reader) -> JobOut:
    """The job goes on through restarts of the server; `GET` tells how far it is. An entity that cannot be scored is
    told in the result and holds up nothing. 429 when too many jobs wait. With an aim the job tells where the learned
    model's threshold lies, in `asks` of each entity which models would ask about it, and in `stated` what may be
    expected, or why nobody is asked about: what `gnomon score` says, without handing anything over."""
    serving = serving_of(request)
    scorer = serving.scorer(asked.entity)
    ids = scorer.reference.ids if asked.everybody else list(dict.fromkeys(asked.ids))
    return JobOut.of(serving.jobs.submit(asking.name, scorer.entity, ids, asked.explain, asked.aim))


@router.get("/v1/jobs", summary="Jobs, the newest first")
def list_jobs(
    request: Request,
    asking: Reader,
    cursor: Annotated[str | None, Query(max_length=60, description="From the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    updated_since: Annotated[datetime | None, Query(description="Only what has changed since.")] = None,
) -> JobsOut:
    """One's own; supervisors see those of their body's people."""
    if updated_since is not None and updated_since.tzinfo is None:
        raise Fault("serving.jobs.moment", place="updated_since", status=422)
    serving = serving_of(request)
    found = serving.jobs.jobs(updated_since, cursor or "", limit)
    with serving.reading() as session:
        shown = [JobOut.of(one) for one in found if _may(session, one, asking)]
    return JobsOut(items=shown, cursor=found[-1].id if len(found) == limit else None)


@router.get("/v1/jobs/{key}", summary="How far a job is")
def one_job(key: Key, request: Request, asking: Reader) -> JobOut:
    """State, counts, and how many parts of the result can be fetched."""
    return JobOut.of(_found(request, key, asking))


@router.get("/v1/jobs/{key}/results", summary="One part of a job's result")
def results(key: Key, request: Request, asking: Reader, cursor: Annotated[int, Query(ge=0, le=10**6)] = 0) -> JobRows:
    """Parts are there as soon as they are done; `cursor` numbers them from 0."""
    found = _found(request, key, asking)
    rows = serving_of(request).jobs.rows(key, cursor)
    items = [NotScored(**row) if "fault" in row else EntityAskedOut(**row) for row in rows]
    return JobRows(items=items, cursor=cursor + 1 if cursor + 1 < found.parts else None)


@router.post("/v1/jobs/{key}/cancel", summary="Call a job off")
def cancel(key: Key, request: Request, asking: Reader) -> JobOut:
    """It ends after the part under way, and what was scored stays; a job that has ended stays as it is."""
    _found(request, key, asking)
    return JobOut.of(serving_of(request).jobs.cancel(key))


def _found(request: Request, key: str, asking: Reader) -> Job:
    serving = serving_of(request)
    found = serving.jobs.job(key)
    with serving.reading() as session:
        may = _may(session, found, asking)
    if not may:
        # Whose job it is would tell who works on what.
        raise Fault("serving.jobs.unknown", place=key, status=404)
    return found


def _may(session: Session, job: Job, asking: Reader) -> bool:
    if job.by == asking.name:
        return True
    return asking.role is Role.SUPERVISOR and bodies.answers_for(session, asking, job.by)
