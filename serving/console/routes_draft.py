"""The author's page: a warning model written as text, checked and tried on the stored profiles before it works.

Nothing is stored and nothing is put to work here: the file goes to whoever keeps the folder of models.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from cases import bodies
from cases.people import Person
from cases.workflow import Role
from catalogue.skeleton import DRAFT
from features.measures import entities
from gnomon.errors import Fault
from serving.api import auth
from serving.api.language import language_of
from serving.api.state import serving_of
from serving.console import pages
from serving.console.routes import Filled, Text200, check_form, word
from serving.trying import Tried, look, of_case, tried

router = APIRouter()
AUTHORS = (Role.AUDITOR, Role.SUPERVISOR, Role.DATA_SCIENTIST)
"""Roles that write warning models."""
LONGEST = 40_000
"""Characters of a model."""


def author(request: Request) -> Person:
    """Who is signed in, and writes warning models."""
    return auth.required_role(auth.signed_in(request)[0], *AUTHORS)


Author = Annotated[Person, Depends(author)]


@router.get("/console/catalogue/draft")
def draft_page(request: Request, asking: Author, case: Text200 = "", entity: Text200 = "institution") -> Response:
    """An empty draft about a kind of entity, or one that asks of others what was unusual in a case."""
    if case:
        if not case.isdecimal() or len(case) > 18:
            raise Fault("cases.no_case", place=case, status=404)
        with serving_of(request).session() as session:
            text, _ = of_case(session, f"draft-case-{case}", int(case), asking)
        return _page(request, asking, text)
    kind = entity if entity in entities() else "institution"
    column = min(one.name for one in entities()[kind].columns)
    scene, scheme = "medical-insurance", "over-billing"
    return _page(request, asking, DRAFT.format(id="my-model", entity=kind, column=column, scene=scene, scheme=scheme))


@router.post("/console/catalogue/draft")
def look_at_draft(request: Request, asking: Author, form: Filled) -> Response:
    """What is wrong with the text, what is weak, and whom it would ask about; or the text as a file."""
    check_form(request, str(form.get("csrf", "")))
    text = word(form, "text", LONGEST).replace("\r\n", "\n") + "\n"
    looked = look(text)
    if form.get("file") and looked.model is not None:
        name = f'attachment; filename="{looked.model.id}.yaml"'
        return Response(text, media_type="application/yaml", headers={"Content-Disposition": name})
    language = language_of(request, serving_of(request).settings.language)
    told = [(_line(fault.place), fault.told(language).removeprefix(f"{fault.place}: ")) for fault in looked.faults]
    issues = [(str(issue.grade), _line(issue.place), issue.text.said_in(language)) for issue in looked.issues]
    found: Tried | None = None
    everybody = False
    if looked.model is not None and looked.model.detector == "rule":
        with serving_of(request).reading() as session:
            everybody = bodies.reach(session, asking) is None
            try:
                found = tried(serving_of(request).settings, looked.model, session, asking)
            except Fault as fault:
                told.append(("", fault.told(language)))
    return _page(request, asking, text, told, issues, found, everybody, looked.model is not None)


def _page(
    request: Request,
    asking: Person,
    text: str,
    faults: list[tuple[str, str]] | None = None,
    issues: list[tuple[str, str, str]] | None = None,
    found: Tried | None = None,
    everybody: bool = False,
    sound: bool = False,
) -> Response:
    return pages.render(
        request,
        "draft.html",
        asking,
        section="catalogue",
        text=text,
        kinds=list(entities()),
        faults=faults,
        issues=issues,
        tried=found,
        everybody=everybody,
        sound=sound,
        longest=LONGEST,
    )


def _line(place: str) -> str:
    """The line of a place in the text."""
    line = place.rpartition(":")[2]
    return line if line.isdecimal() else ""
