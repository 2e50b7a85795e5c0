"""Taking in another system's cases, or another agency's package, from a file."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cases import imports, raising
from cases.people import Person
from cases.workflow import READERS, Role
from gnomon.errors import Fault
from gnomon.i18n import say
from serving.api.language import language_of
from serving.api.routes_exchange import imported
from serving.api.routes_packages import taken
from serving.api.sent import LARGEST_EXPORT
from serving.api.state import serving_of
from serving.console import pages
from serving.console.routes import Anybody, WithExport, check_form, chosen_file, word

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
    content = chosen_file(form).file.read(LARGEST_EXPORT + 1)
    try:
        done = imported(serving_of(request), content, word(form, "system", 40), word(form, "name", 80), asking)
    except Fault as fault:
        told = f"{fault.place}: {say(fault.key, language, **fault.values)}"
        return _page(request, asking, told, fault.status)
    values = {"new": done.new, "known": done.known, "skipped": done.skipped}
    return _page(request, asking, say("serving.cases.imported", language, **values))


@router.post("/console/import/package")
def take_package(request: Request, asking: Anybody, form: WithExport) -> Response:
    """What another agency gave, once its signature holds; the page says which case it opened or joined."""
    check_form(request, str(form.get("csrf", "")))
    raising.may_import(asking)
    language = language_of(request, serving_of(request).settings.language)
    file = chosen_file(form)
    try:
        made = taken(serving_of(request), file.file.read(LARGEST_EXPORT + 1), word(form, "public_key", 64), asking)
    except Fault as fault:
        return _page(request, asking, say(fault.key, language, **fault.values), fault.status)
    key = "serving.console.package_known" if made.known else "serving.console.package_taken"
    return _page(request, asking, say(key, language), case=made.case_id)


def _page(request: Request, asking: Person, notice: str = "", status: int = 200, case: int | None = None) -> Response:
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
        case=case if asking.role in READERS else None,
        bad=status >= 400,
        tab="import",
    )
