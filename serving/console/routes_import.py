"""Taking in another system's cases from a file."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from cases import imports, raising
from cases.people import Person
from cases.workflow import Role
from gnomon.errors import Fault
from gnomon.i18n import say
from serving.api.language import language_of
from serving.api.routes_exchange import text_of
from serving.api.sent import LARGEST_EXPORT
from serving.api.state import serving_of
from serving.console import pages
from serving.console.routes import Anybody, WithExport, check_form, word

router = APIRouter()


@router.get("/console/import")
def import_page(request: Request, asking: Anybody) -> Response:
    """The form."""
    return _page(request, asking)


@router.post("/console/import")
def take_in(request: Request, asking: Anybody, form: WithExport) -> Response:
    """All records enter or, when one is wrong, none; the page says which."""
    check_form(request, str(form.get("csrf", "")))
    raising.may_import(asking)
    language = language_of(request, serving_of(request).settings.language)
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Fault("serving.console.no_file", place="file", status=422)
    try:
        text = text_of(file.file.read(LARGEST_EXPORT + 1))
        with serving_of(request).session() as session:
            done = imports.take(session, word(form, "system", 40), text, asking, word(form, "name", 80))
    except Fault as fault:
        told = f"{fault.place}: {say(fault.key, language, **fault.values)}"
        return _page(request, asking, told, fault.status)
    values = {"new": done.new, "known": done.known, "skipped": done.skipped}
    return _page(request, asking, say("serving.cases.imported", language, **values))


def _page(request: Request, asking: Person, notice: str = "", status: int = 200) -> Response:
    raising.may_import(asking)
    administers = asking.role is Role.ADMINISTRATOR
    return pages.render(
        request,
        "import.html",
        asking,
        status,
        section="administration" if administers else "queue",
        administers=administers,
        systems=list(imports.READERS),
        columns=imports.COLUMNS,
        notice=notice,
        bad=status >= 400,
        tab="import",
    )
