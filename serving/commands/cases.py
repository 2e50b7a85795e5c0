"""`gnomon cases`: the queue and its actions. Whoever acts names their account; the trail tells it as `cli:NAME`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cases.workflow import ACTIONS, MEANINGS, MOVES, OUTCOMES, SEVERITIES, STATES, Action, Side, State
from gnomon.errors import Misuse
from gnomon.i18n import say
from gnomon.terms import Outcome, Severity, Text
from serving.commands import casework, packages
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, moment, settings_for

if TYPE_CHECKING:
    from cases.queue import CaseView
    from cases.tables import Case

CaseArgument = Annotated[int, typer.Argument(metavar="CASE", help="Number of the case.")]
CasesArgument = Annotated[list[int], typer.Argument(metavar="CASE…", help="Numbers of cases; each is done by itself.")]
ActorOption = Annotated[str, typer.Option("--as", metavar="NAME", help="Account that you act for.")]
VersionOption = Annotated[
    int | None, typer.Option("--version", help="Version you decided on; refused when the case has changed since.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why.")]
ToOption = Annotated[str, typer.Option("--to", metavar="NAME", help="Account of the person meant.")]
DueOption = Annotated[str | None, typer.Option("--due", help="Date YYYY-MM-DD to be done by.")]
BodyOption = Annotated[str, typer.Option("--organisation", help="Registered body.")]


def register(app: typer.Typer) -> None:
    """Add `gnomon cases` with one command an action."""
    group = typer.Typer(no_args_is_help=True, help="The case queue and its actions.")
    group.command("list")(list_cases)
    group.command("show")(show)
    for action in Action:
        moves = [move for (_, one), move in MOVES.items() if one is action]
        form = _closing if action is Action.CLOSE else _plain
        if any(move.needs_person for move in moves):
            form = _naming
        elif any(move.needs or move.to is State.RECTIFYING for move in moves):
            form = _full
        group.command(action.value.replace("_", "-"), help=MEANINGS[action].en)(form(action))
    casework.register(group)
    packages.register(group)
    app.add_typer(group, name="cases")


def list_cases(
    state: Annotated[
        str, typer.Option("--state", help="open, review, rectifying, closed …, or alive: all that have not ended.")
    ] = "alive",
    owner: Annotated[str | None, typer.Option("--owner", help="Cases of this account; '' for nobody's.")] = None,
    scheme: Annotated[str | None, typer.Option("--scheme", help="Cases of this scheme.")] = None,
    scene: Annotated[str | None, typer.Option("--scene", help="Cases of this scene.")] = None,
    entity: Annotated[str | None, typer.Option("--entity", help="institution, supplier, tender …")] = None,
    search: Annotated[str, typer.Option("--search", help="Text in name, id, title or scheme.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only cases past their date.")] = False,
    updated_since: Annotated[
        str | None, typer.Option("--updated-since", help="Date YYYY-MM-DD; the longest unchanged first.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Where the last page ended.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Cases on the page.")] = 50,
    organisation: Annotated[str | None, typer.Option("--organisation", help="Cases that this body handles.")] = None,
    reader: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Only what this account may see; default: everything.")
    ] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """List the queue, the gravest case first."""
    from cases import people, queue, store
    from gnomon.database import transaction

    if state not in ("alive", "all", *State):
        raise Misuse("serving.cases.state", place="--state", value=state, known=", ".join(("alive", "all", *State)))
    settings = settings_for(workspace)
    since = moment(updated_since)
    with transaction(store.upgrade(settings)) as session:
        page = queue.cases(
            session,
            state=None if state == "all" else state,
            owner=owner,
            scheme=scheme,
            scene=scene,
            entity_kind=entity,
            text=search,
            overdue_at=datetime.now(UTC) if overdue else None,
            updated_since=since and since.replace(hour=0, minute=0, second=0, microsecond=0),
            order=queue.Order.UPDATED if since else queue.Order.GRAVEST,
            cursor=cursor,
            limit=limit,
            organisation=organisation,
            reader=people.named(session, reader),
        )
    emit([_row(case, form) for case in page.rows], form, settings.language)
    if page.cursor is not None:
        sys.stderr.write(say("serving.cases.more", settings.language, cursor=page.cursor) + "\n")


def show(
    case_id: CaseArgument,
    actor: ActorOption,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Print one case with its warnings, what happened so far, and what you may do now. Reading it goes on the trail."""
    from cases import dossier, people, service, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        reader = people.required(session, actor).by_way_of("cli")
        view = service.read(session, case_id, reader)
        allowed = list(service.allowed(view.case, reader))
        rest = dossier.dossier(session, case_id, reader)
    if form is Format.JSON:
        json.dump({**_whole(view, allowed), **rest}, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    language = settings.language
    emit([{"field": name, "value": value} for name, value in _row(view.case, form).items()], form, language)
    sys.stdout.write("\n")
    emit([_warning_row(row.warned()) for row in view.warnings], form, language)
    sys.stdout.write("\n")
    emit([_event_row(event) for event in view.trail], form, language)
    may = ", ".join(f"{action.value} ({ACTIONS[action].said_in(language)})" for action in allowed)
    sys.stderr.write(say("serving.cases.may", language, actions=may or "–") + "\n")


def _plain(action: Action) -> Callable[..., None]:
    def command(
        case_ids: CasesArgument,
        actor: ActorOption,
        reason: ReasonOption = "",
        version: VersionOption = None,
        workspace: WorkspaceOption = None,
    ) -> None:
        _act(action, case_ids, actor, version, workspace, reason=reason)

    return command


def _naming(action: Action) -> Callable[..., None]:
    def command(
        case_ids: CasesArgument,
        actor: ActorOption,
        to: ToOption = "",
        reason: ReasonOption = "",
        due: DueOption = None,
        organisation: BodyOption = "",
        version: VersionOption = None,
        workspace: WorkspaceOption = None,
    ) -> None:
        given = {"reason": reason, "to": to, "due": moment(due), "organisation": organisation}
        _act(action, case_ids, actor, version, workspace, **given)

    return command


def _full(action: Action) -> Callable[..., None]:
    def command(
        case_ids: CasesArgument,
        actor: ActorOption,
        reason: ReasonOption = "",
        due: DueOption = None,
        organisation: BodyOption = "",
        side: Annotated[Side | None, typer.Option("--side", help="On which side the body takes part.")] = None,
        part: Annotated[
            list[str] | None,
            typer.Option("--part", help="TITLE[;ACCOUNT[;BODY[;YYYY-MM-DD]]]: a sub-case or an item; may be repeated."),
        ] = None,
        person: Annotated[list[str] | None, typer.Option("--person", help="Account; may be repeated.")] = None,
        body: Annotated[list[str] | None, typer.Option("--body", help="Registered body; may be repeated.")] = None,
        other: Annotated[int, typer.Option("--other", help="Number of a case, an item or a consultation.")] = 0,
        answer: Annotated[str, typer.Option("--answer", help="yes or no; a vote may also abstain.")] = "",
        version: VersionOption = None,
        workspace: WorkspaceOption = None,
    ) -> None:
        given: dict[str, Any] = {"reason": reason, "due": moment(due), "organisation": organisation, "side": side}
        given |= {"parts": [_part(one) for one in part or ()], "people": person or (), "bodies": body or ()}
        _act(action, case_ids, actor, version, workspace, **given, other=other, answer=answer)

    return command


def _part(told: str) -> Any:
    from cases.asked import Part

    title, to, body, due = [*told.split(";"), "", "", ""][:4]
    return Part(title.strip(), to.strip(), body.strip(), moment(due.strip() or None))


def _closing(action: Action) -> Callable[..., None]:
    def command(
        case_ids: CasesArgument,
        actor: ActorOption,
        outcome: Annotated[Outcome, typer.Option("--outcome", help="How the case ended.")],
        reason: ReasonOption = "",
        found: Annotated[str | None, typer.Option("--found", help="Amount at fault, in yuan.")] = None,
        recovered: Annotated[str | None, typer.Option("--recovered", help="Amount got back, in yuan.")] = None,
        handled: Annotated[int | None, typer.Option("--people", min=0, help="People handled.")] = None,
        version: VersionOption = None,
        workspace: WorkspaceOption = None,
    ) -> None:
        amounts = {"amount_found": _money("--found", found), "amount_recovered": _money("--recovered", recovered)}
        given = {"reason": reason, "outcome": outcome, "people_handled": handled, **amounts}
        _act(action, case_ids, actor, version, workspace, **given)

    return command


def _act(
    action: Action, case_ids: list[int], actor: str, version: int | None, workspace: Path | None, **given: Any
) -> None:
    from cases import bulk, people, queue, service, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    if version is not None and len(case_ids) > 1:
        raise Misuse("serving.cases.one_version", place="--version")
    with transaction(store.upgrade(settings)) as session:
        person = people.required(session, actor).by_way_of("cli")
        seen = {case_id: version for case_id in case_ids}
        if version is None:
            seen = {case_id: queue.found(session, case_id, reader=person).version for case_id in case_ids}
        if len(case_ids) == 1:
            done = [service.act(session, case_ids[0], action, person, seen[case_ids[0]] or 0, **given)]
            refused = []
        else:
            items = bulk.act(session, [(one, seen[one] or 0) for one in case_ids], action, person, **given)
            done = [queue.found(session, one.case_id) for one in items if one.fault is None]
            refused = [one.fault for one in items if one.fault is not None]
    for case in done:
        told = {"case": case.id, "action": ACTIONS[action], "state": STATES[State(case.state)]}
        line = say("serving.cases.done", settings.language, **told, owner=case.owner or "–", version=case.version)
        sys.stderr.write(line + "\n")
    for fault in refused:
        sys.stderr.write(fault.told(settings.language) + "\n")
    if refused:
        raise typer.Exit(1)


def _money(option: str, told: str | None) -> Decimal | None:
    try:
        return None if told is None else Decimal(told)
    except InvalidOperation:
        raise Misuse("serving.cases.amount", place=option, value=told) from None


def _row(case: Case, form: Format) -> dict[str, Any]:
    if form is Format.JSON:
        return case.as_dict()
    return {
        "case": case.id,
        "state": STATES[State(case.state)],
        "severity": SEVERITIES[Severity(case.severity)],
        "title": case.title,
        "scheme": case.scheme,
        "entity": case.entity_name or case.entity_id,
        "warnings": case.warnings,
        "owner": case.owner,
        "due": case.due.date() if case.due else None,
        "outcome": OUTCOMES[Outcome(case.outcome)] if case.outcome else None,
        "version": case.version,
    }


def _warning_row(warned: Any) -> dict[str, Any]:
    first = max(warned.reasons, key=lambda reason: reason.contribution, default=None)
    return {
        "warning": warned.fingerprint[:12],
        "model": warned.model,
        "title": warned.title,
        "as_of": warned.as_of.date(),
        "score": warned.score,
        "first_reason": first.sentence if first else Text("", ""),
    }


def _event_row(event: Any) -> dict[str, Any]:
    title = ACTIONS[Action(event.action)] if event.action in list(Action) else event.action
    given = json.loads(event.after) or {}
    return {
        "at": event.at.isoformat(timespec="seconds"),
        "actor": event.actor,
        "action": title,
        "to": given.get("to", ""),
        "reason": given.get("reason", ""),
    }


def _whole(view: CaseView, allowed: list[Action]) -> dict[str, Any]:
    from cases import audit

    copies = [{"name": c.name, "sent_at": c.sent_at.isoformat(), "read": c.read_at is not None} for c in view.copies]
    return {
        "case": view.case.as_dict(),
        "warnings": [row.warned().as_dict() for row in view.warnings],
        "trail": [audit.told(event) for event in view.trail],
        "copies": copies,
        "moves": [action.value for action in allowed],
    }
