"""The trail as pages: search, whether it is whole, and the signed bundle for a third party."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cases import audit, bodies, people, search
from cases.workflow import ACTIONS, JUDGES, Action
from serving.api.language import language_of
from serving.api.routes_trail import bundled, may_export, may_verify
from serving.api.state import serving_of
from serving.console import forms, pages
from serving.console.routes import Filled, Signed, Text200, check_form
from serving.console.timeline import one

router = APIRouter()
PAGE = 50


@router.get("/console/trail")
def trail_page(
    request: Request,
    asking: Signed,
    text: Text200 = "",
    actor: Text200 = "",
    action: Text200 = "",
    since: Text200 = "",
    case: Annotated[str, Query(max_length=18, pattern="^[0-9]*$")] = "",
    before: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
) -> Response:
    """What people did with the cases that the reader may see, the newest first."""
    serving = serving_of(request)
    language = language_of(request, serving.settings.language)
    with serving.reading() as session:
        found = search.in_trail(
            session,
            asking,
            text=text,
            actor=actor or None,
            action=action if action in (*Action, "read") else None,
            since=forms.morning(since),
            case_id=int(case) if case else None,
            before=before,
            limit=PAGE,
        )
        names = people.names(session)
        whole = bodies.reach(session, asking) is None
    chosen = {"text": text, "actor": actor, "action": action, "since": since, "case": case}
    last = found[-1].seq if len(found) == PAGE else None
    following = "?" + urlencode({**{k: v for k, v in chosen.items() if v}, "before": last}) if last else ""
    return pages.render(
        request,
        "trail.html",
        asking,
        section="trail",
        rows=[(event, one(event, names, language)) for event in found],
        chosen=chosen,
        following=following,
        actions=ACTIONS,
        verifies=whole,
        exports=whole and asking.role in JUDGES,
        verified=None,
    )


@router.post("/console/trail/verify")
def verify(request: Request, asking: Signed, form: Filled) -> Response:
    """Recompute every hash, and say whether the trail is whole."""
    check_form(request, str(form.get("csrf", "")))
    with serving_of(request).reading() as session:
        may_verify(session, asking)
        verified = audit.verify(session)
    return pages.render(request, "verified.html", asking, section="trail", verified=verified)


@router.post("/console/trail/bundle")
def signed_bundle(request: Request, asking: Signed, form: Filled) -> Response:
    """The whole trail, signed, as a download."""
    check_form(request, str(form.get("csrf", "")))
    serving = serving_of(request)
    with serving.session() as session:
        may_export(session, asking)
        audit.record(session, asking.actor, "export", audit.Subject("trail", audit.CHAIN))
        return bundled(session, serving.settings)
