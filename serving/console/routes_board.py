"""The board: how things stand by scene and by body, and the risk points of public works with who asks about each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cases.tally import Tally, tally
from cases.workflow import State
from catalogue.risks import Stage, stages
from catalogue.scenes import SCENES
from gnomon.terms import Outcome
from serving.api.state import serving_of
from serving.console import forms, pages
from serving.console.routes import Signed, Text200
from serving.console.routes_lists import TABS

router = APIRouter()
TOP = 10
"""Bodies that are ranked."""
HEATS = 5
"""Steps of shading."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What came of the warnings of one scene, body or model."""

    warnings: int = 0
    waiting: int = 0
    """Cases that nobody has signed for."""
    handled: int = 0
    """Cases that are signed for and run."""
    closed: int = 0
    confirmed: int = 0
    found: Decimal = Decimal(0)
    recovered: Decimal = Decimal(0)

    @property
    def cases(self) -> int:
        """All of them. A case that holds warnings of several models counts once for each."""
        return self.waiting + self.handled + self.closed


@router.get("/console/lists/board")
def board_page(request: Request, asking: Signed, since: Text200 = "") -> Response:
    """Heat by scene, the bodies with most, and the risk points, of the cases that the reader may see."""
    serving = serving_of(request)
    with serving.reading() as session:
        told = tally(session, forms.morning(since), asking)
    by_scene = _by(told, lambda one: one.scene)
    by_body = _by(told, lambda one: one.organisation or "")
    by_model = _by(told, lambda one: one.model)
    ranked = sorted(by_body, key=lambda name: (-by_body[name].cases, name))[:TOP]
    return pages.render(
        request,
        "board.html",
        asking,
        section="lists",
        tabs=TABS,
        tab="board",
        since=since,
        scenes=[(name, by_scene.get(name, Standing())) for name in (*SCENES, *sorted(set(by_scene) - set(SCENES)))],
        bodies=[(name, by_body[name]) for name in ranked],
        stages=stages(),
        warned={stage.id: _warned(stage, by_model) for stage in stages()},
        by_model=by_model,
        models=serving.models,
        heat=heat,
        columns=("warnings", "waiting", "handled", "closed", "confirmed"),
        queue=lambda **filters: f"/console/?{urlencode({'state': 'alive', **filters})}",
    )


def heat(value: int, others: Iterable[int]) -> int:
    """How dark a cell is, 0 to `HEATS`: its share of the largest in its column.

    >>> heat(0, [0, 4]), heat(1, [1, 4]), heat(4, [1, 4])
    (0, 2, 5)
    """
    most = max(others, default=0)
    return -(-HEATS * value // most) if most else 0


def _by(told: Sequence[Tally], key: Callable[[Tally], str]) -> Mapping[str, Standing]:
    groups: dict[str, list[Tally]] = {}
    for one in told:
        groups.setdefault(key(one), []).append(one)
    return {name: _summed(rows) for name, rows in groups.items()}


def _warned(stage: Stage, by_model: Mapping[str, Standing]) -> int:
    """Warnings of the models that ask about a stage; each model counts once."""
    asking = {model for point in stage.points for model in point.models}
    return sum(by_model[one].warnings for one in asking if one in by_model)


def _summed(rows: Sequence[Tally]) -> Standing:
    closed = [one for one in rows if one.state == State.CLOSED]
    running = [one for one in rows if one.state not in (State.CLOSED, State.MERGED)]
    waiting = sum(one.cases for one in running if one.state == State.OPEN)
    return Standing(
        sum(one.warnings for one in rows),
        waiting,
        sum(one.cases for one in running) - waiting,
        sum(one.cases for one in closed),
        sum(one.cases for one in closed if one.outcome == Outcome.CONFIRMED),
        sum((one.found for one in rows), Decimal(0)),
        sum((one.recovered for one in rows), Decimal(0)),
    )
