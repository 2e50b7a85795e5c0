"""Over HTTP too: what a body may not see it can neither read nor write nor count, on every route and verb there is."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import Response

from cases import audit, bodies, notices, outbox, people, policy, queue, raising, rectification, searches, service
from cases import suppression as suppressions
from cases.asked import Part
from cases.feeds import Feed
from cases.people import Person
from cases.raising import Raised
from cases.rescreen import Theirs, rescreen
from cases.tables import TrailHead
from cases.tables_work import Delivery
from cases.workflow import Action, BodyKind, Role
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.terms import Outcome, Severity, Text
from serving.api.app import create
from serving.console import session as sessions
from tests.databases import schema_of
from tests.serving.conftest import warned
from tests.serving.routes_expected import EXPECTED, Expected, How, own, shown

SECRET = "绝密"
A, B, ABOVE = "甲局", "乙局", "监委"


@dataclass
class World:
    """Two bodies and one above them, everything of A marked secret, and people of B who ask for it."""

    app: FastAPI
    engine: Any
    settings: Settings
    ours: list[int]
    """Cases of A."""
    names: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Session cookie and the token of its forms."""
    fresh: int = 0
    roles: tuple[Role, ...] = tuple(Role)
    """Roles that ask."""

    def standing(self) -> dict[str, Any]:
        """A's things as they are now."""
        with transaction(self.engine) as session:
            return {
                "cases": [queue.found(session, number).as_dict() for number in self.ours],
                "trail": [len(audit.events(session, audit.Subject("case", str(one)))) for one in self.ours],
                "files": [len(rectification.attachments(session, one)) for one in self.ours],
                "notices": notices.unread(session, people.required(session, "a-auditor")),
                "searches": [one.filters for one in searches.mine(session, people.required(session, "a-auditor"))],
                "suppressions": [one.suppression.as_dict() for one in suppressions.report(session)],
            }

    def length(self) -> int:
        """How many events the whole trail holds."""
        with transaction(self.engine) as session:
            return session.get_one(TrailHead, audit.CHAIN).seq


def every_route(routes: list[Any]) -> Iterator[str]:
    """`VERB path` of everything that the application answers, included routers and mounts too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from every_route(inner.routes)
        elif getattr(route, "methods", None):
            yield from (f"{method} {route.path}" for method in route.methods)
        else:
            yield f"* {route.path}"


def test_every_route_declares_what_it_owes_to_other_bodies(template: tuple[Path, dict[str, str]], tmp_path) -> None:
    app = create(Settings(workspace=Path(shutil.copytree(template[0], tmp_path / "workspace"))))
    there = set(every_route(app.routes))
    app.state.serving.close()
    assert there - set(EXPECTED) == set(), "declare in routes_expected.py what these owe to people of other bodies"
    assert set(EXPECTED) - there == set(), "these are declared and are not there"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same world on both databases."""
    folder = tmp_path_factory.mktemp(f"world-{request.param}")
    if request.param == "sqlite":
        with built(Settings(workspace=folder)) as made:
            yield made
        return
    with schema_of(request.getfixturevalue("postgresql")) as engine:
        url = engine.url.render_as_string(hide_password=False)
        with built(Settings(workspace=folder, database=url)) as made:
            # What a role may do is decided before the database is asked; visibility is what differs there.
            made.roles = (Role.AUDITOR, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SERVICE)
            yield made


@contextmanager
def built(settings: Settings) -> Iterator[World]:
    """The world in these settings' database."""
    app = create(settings)
    engine = app.state.serving.database
    world = World(app, engine, settings, [])
    with transaction(engine) as session:
        fill(session, world)
    world.names["job"] = app.state.serving.jobs.submit("a-auditor", "institution", [f"{SECRET}H1"], False).id
    yield world
    app.state.serving.close()


def fill(session: Any, world: World) -> None:
    """Everything that cases can hold, of A; one case of B."""
    for name, kind, above in (
        (A, BodyKind.DEPARTMENT, False),
        (B, BodyKind.DEPARTMENT, False),
        (ABOVE, BodyKind.DISCIPLINE, True),
    ):
        bodies.register(session, name, kind, "test", oversight=above)
    staff = {
        f"{mark}-{role}": people.add(session, f"{mark}-{role}", role, "test", organisation=body)
        for mark, body in (("a", A), ("b", B), ("c", ABOVE))
        for role in Role
    }
    people.add(session, "ghost", Role.SERVICE, "test", organisation=B)
    policy.put(session, "common_pool", False, "test")
    bodies.route(session, "medical-insurance", [A], "test")
    outbox.subscribe(session, "外部", "https://example.org/hook", "test")
    auditor, supervisor = staff["a-auditor"], staff["a-supervisor"]
    suppression = suppressions.ask(session, staff["c-auditor"], "institution", f"{SECRET}H9", SECRET, soon())
    suppressions.approve(session, suppression.id, staff["c-supervisor"])
    handed = [warned(f"{SECRET}H{n}", severity=Severity.ALERT, name=f"{SECRET}医院{n}") for n in (1, 2, 3, 4, 9)]
    queue.hand_over(session, handed, "run-1", "test")
    main, closed, merged, into = (row.id for row in reversed(queue.cases(session, limit=4).rows))

    def do(number: int, action: Action, who: Person, reason: str = SECRET, *outcome: Outcome, **given: Any) -> None:
        service.act(session, number, action, who, queue.found(session, number).version, reason, *outcome, **given)

    for number in (main, closed):
        do(number, Action.CLAIM, auditor)
    do(main, Action.CONSULT, auditor, people=[supervisor.name])
    do(main, Action.CIRCULATE, supervisor, bodies=[A, ABOVE])
    do(main, Action.SPLIT, auditor, parts=[Part(f"{SECRET}子件", auditor.name)])
    do(main, Action.SUPERVISE, supervisor)
    do(closed, Action.CLOSE, auditor, SECRET, Outcome.USEFUL)
    do(merged, Action.MERGE, supervisor, other=into)
    do(into, Action.CLAIM, auditor)
    do(into, Action.RECTIFY, auditor, parts=[Part(f"{SECRET}整改", organisation=A)])
    file = rectification.attach(session, main, auditor, f"{SECRET}.txt", "text/plain", SECRET.encode())
    theirs = Theirs("省平台", "1", SECRET, "medical-insurance", "over-prescribing", "institution", f"{SECRET}H1")
    rescreen(session, [theirs], lambda *_: None, staff["a-service"])
    matter = Raised(Text("本局事项", "own"), "x", "education", "stalled")
    raising.raise_case(session, staff["b-auditor"], matter)
    session.flush()
    for number in (1, 2):
        session.get_one(Delivery, number).dead_at = datetime.now(UTC)
    world.ours = [row.id for row in queue.cases(session, limit=200).rows if SECRET in row.entity_id]
    hidden = suppressions.warnings(session, suppression.id, staff["c-auditor"])[0]
    (note, *_) = notices.mine(session, auditor)
    for holder in (auditor, supervisor):
        searches.keep(session, holder, "watched", {"text": SECRET})
    world.names |= {
        "case": str(main),
        "closed": str(closed),
        "version": str(queue.found(session, main).version),
        "warning": queue.case(session, main).warnings[0].fingerprint,
        "hidden": hidden.fingerprint,
        "attachment": str(file.id),
        "suppression": str(suppression.id),
        "circular": "1",
        "notice": str(note.id),
        "search": "watched",
        "dead": "1",
        "dead_too": "2",
        "soon": f"{soon():%Y-%m-%dT%H:%M:%SZ}",
    }
    for name, person in staff.items():
        if name != "ghost":
            world.tokens[name] = people.issue_token(session, name, "test")
            world.cookies[name] = cookie(world.settings, person)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(days=30)


def cookie(settings: Settings, person: Person) -> tuple[str, str]:
    """A signed-in browser of this person."""
    response = Response()
    sessions.issue(response, settings, person.name, person.stamp, secure=False)
    (value,) = re.findall(r"gnomon_session=([^;]+);", "".join(response.headers.getlist("set-cookie")))
    nonce = sessions._signer(settings).loads(value)[2]
    return value, sessions.token(settings, nonce)


def filled(world: World, value: Any) -> Any:
    """A declared value with A's numbers in it."""
    if isinstance(value, dict):
        return {name: filled(world, one) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(world, one) for one in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    world.fresh += 1
    told = value.format(**world.names, fresh=f"fresh-{world.fresh}")
    return int(told) if told.isdecimal() else told


def request_of(world: World, route: str, expected: Expected, name: str) -> dict[str, Any]:
    """The request that this account sends."""
    method, path = route.split(" ", 1)
    for part, value in expected.path.items():
        path = path.replace(f"{{{part}}}", str(filled(world, value)))
    asked: dict[str, Any] = {"method": method, "url": path, "params": filled(world, dict(expected.query))}
    if path.startswith("/console") or path == "/":
        value, csrf = world.cookies[name]
        asked["headers"] = {"Cookie": f"{sessions.COOKIE}={value}"}
        if expected.form is not None:
            form = {n: one for n, one in expected.form.items() if not isinstance(one, bytes)}
            asked["data"] = {"csrf": csrf, **{n: str(one) for n, one in filled(world, form).items()}}
            files = {n: (f"{n}.txt", one, "text/plain") for n, one in expected.form.items() if isinstance(one, bytes)}
            asked |= {"files": files} if files else {}
        return asked
    asked["headers"] = {"Authorization": f"Bearer {world.tokens[name]}"}
    if expected.json is not None:
        asked["json"] = filled(world, expected.json)
    if expected.content is not None:
        asked["content"] = expected.content
        asked["headers"]["Content-Type"] = expected.kind
    return asked


@contextmanager
def asking(world: World) -> Iterator[Any]:
    """Sends what an account asks of a route, in this process."""
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url="http://testserver")

        def ask(route: str, expected: Expected, name: str) -> httpx.Response:
            client.cookies.clear()
            return runner.run(client.request(**request_of(world, route, expected, name)))

        yield ask
        runner.run(client.aclose())


def test_what_is_hidden_from_others_is_there_for_its_own_body(world: World) -> None:
    """Else the next test could not fail."""
    elsewhere = ("monitoring", "/models/", "/trail/")
    with asking(world) as ask:
        for route, expected in EXPECTED.items():
            if not route.startswith("GET") or any(part in route for part in elsewhere):
                continue
            above = "suppressions" in route
            answer = ask(route, expected, "c-supervisor" if above else "a-supervisor")
            if expected.how is How.HIDDEN:
                assert answer.status_code in (200, 409) if "result" in route else answer.status_code == 200, route
            if route.removeprefix("GET ") in TELLING:
                assert SECRET in answer.text, route


TELLING = (
    "/v1/warnings",
    "/v1/cases",
    "/v1/circulars",
    "/v1/notices",
    "/v1/searches",
    "/v1/lists/problems",
    "/v1/lists/developments",
    "/v1/labels",
    "/v1/trail",
    "/v1/suppressions",
    "/console/",
    "/console/circulars",
    "/console/lists/{kind}",
    "/console/lists/{kind}/file.csv",
    "/console/trail",
    "/console/suppressions",
)
"""Lists that show A's things to A's people (suppressions: to the body above)."""


@pytest.mark.parametrize(
    ("path", "count", "kept"),
    [
        ("/v1/cases", lambda told: len(told["items"]), 0),
        ("/v1/lists/problems", lambda told: len(told["items"]), 0),
        ("/v1/lists/duties", lambda told: sum(row["cases"] for row in told["items"]), 0),
        ("/v1/warnings", lambda told: len(told["items"]), 1),
        ("/v1/funnel", lambda told: sum(row["warnings"] for row in told), 0),
        ("/v1/totals", lambda told: told["closed"], 0),
        ("/v1/labels", lambda told: len(told["items"]), 0),
        ("/v1/jobs", lambda told: len(told["items"]), 0),
        ("/v1/forecasts", lambda told: len(told["items"]), 0),
    ],
)
def test_lists_and_counts_leave_out_what_is_anothers(world: World, path: str, count: Any, kept: int) -> None:
    """What B sees is what there is, less A's and `kept`: what a suppression keeps from everybody but those above."""
    with asking(world) as ask:
        everything = count(ask(f"GET {path}", EXPECTED[f"GET {path}"], "c-supervisor").json())
        ours = count(ask(f"GET {path}", EXPECTED[f"GET {path}"], "b-supervisor").json())
        theirs = count(ask(f"GET {path}", EXPECTED[f"GET {path}"], "a-supervisor").json())
        metrics = ask("GET /metrics", EXPECTED["GET /metrics"], "b-service").text
        cases = len(ask("GET /v1/cases", EXPECTED["GET /v1/cases"], "b-service").json()["items"])
    assert theirs > 0
    assert ours + theirs + kept == everything
    told = sum(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith("gnomon_cases{"))
    assert told == cases


@pytest.mark.parametrize("feed", [one for one in Feed if one is not Feed.DEAD])
def test_no_feed_tells_of_what_is_anothers(world: World, feed: Feed) -> None:
    asked = shown(path={"feed": feed.value})
    with asking(world) as ask:
        theirs = ask("GET /v1/changes/{feed}", asked, "c-supervisor" if feed is Feed.SUPPRESSIONS else "a-supervisor")
        assert theirs.status_code == 200
        assert theirs.json()["items"], "its own body follows it"
        for role in Role:
            ours = ask("GET /v1/changes/{feed}", asked, f"b-{role}")
            assert SECRET not in ours.text
            mine = {Feed.CASES, Feed.TRAIL, Feed.NOTICES}
            assert ours.status_code == 403 or feed in mine or ours.json()["items"] == []
        dead = {role: ask("GET /v1/changes/{feed}", shown(path={"feed": "dead"}), f"b-{role}") for role in Role}
    assert {role for role, answer in dead.items() if answer.status_code != 403} == {Role.ADMINISTRATOR}
    assert SECRET not in dead[Role.ADMINISTRATOR].text


def test_what_stands_in_the_way_is_refused_without_telling_which_it_is(world: World) -> None:
    about = {"entity_kind": "institution", "entity_id": f"{SECRET}H1", "scheme": "over-prescribing", "scene": "s"}
    raised = own(json={"title": {"zh": "t", "en": "t"}, "description": "x", **about})
    export = f"id,title,{','.join(about)}\n1,t,{','.join(about.values())}\n"
    imported = own(query={"system": "csv"}, content=export.encode(), kind="text/csv")
    theirs = {"id": "1", "title": "t", **about}
    sent = own(json={"system": "省平台", "warnings": [theirs]})
    before = world.standing()
    with asking(world) as ask:
        by_hand = ask("POST /v1/cases", raised, "b-auditor"), ask("POST /v1/imports", imported, "b-supervisor")
        number = ask("POST /v1/warnings/rescreen", sent, "b-service")
        again = ask("POST /v1/warnings/rescreen", sent, "a-service")
        mine = ask("GET /v1/cases", shown(), "b-auditor").json()["items"][-1]
        merge = {"action": "merge", "version": mine["version"], "other": "{case}", "reason": "x"}
        merged = ask(
            "POST /v1/cases/{case_id}/actions", own(path={"case_id": str(mine["id"])}, json=merge), "b-auditor"
        )
    for hand in by_hand:
        assert (hand.status_code, hand.json()["type"]) == (409, "urn:gnomon:fault:serving.cases.elsewhere")
        assert not set(re.findall(r"\d+", hand.json()["detail"])) & {str(one) for one in world.ours}
    assert (number.status_code, number.json()["type"]) == (409, "urn:gnomon:fault:serving.rescreen.taken")
    assert (again.status_code, again.json()[0]["known"]) == (200, True), "who sent it may send it again"
    assert merged.status_code == 404
    assert world.standing() == before


def test_no_route_shows_changes_or_counts_what_is_anothers(world: World) -> None:
    before = world.standing()
    with asking(world) as ask:
        for route, expected in EXPECTED.items():
            for role in world.roles:
                if route.startswith("* ") or (expected.how is How.OPEN and role is not Role.AUDITOR):
                    continue
                length = world.length() if expected.how is How.HIDDEN else 0
                answer = ask(route, expected, f"b-{role}")
                place = f"{route} as {role}: {answer.status_code} {answer.text[:300]}"
                # What somebody typed into a search box comes back to them in that box, and nowhere else.
                assert SECRET not in answer.text.replace(f'value="{SECRET}"', ""), place
                keeps_its_word(world, expected, role, answer, length, place)
            assert world.standing() == before, route


def keeps_its_word(
    world: World, expected: Expected, role: Role, answer: httpx.Response, length: int, place: str
) -> None:
    """The status that was declared; a refusal leaves no trace."""
    status = answer.status_code
    assert status < 500, place
    if expected.how is How.HIDDEN:
        assert status in (403, 404), place
        assert world.length() == length, place
    elif expected.how is How.SHOWN:
        assert status == 403 if role not in expected.roles else status in (200, 201, 204, 303), place
    elif expected.how is How.OVERSIGHT:
        assert status == (200 if role is Role.ADMINISTRATOR else 403), place
    elif expected.how is How.OPEN:
        assert status in (200, 303, 307), place
