"""A warning model tried on the profiles that are stored: whom it would ask about now, before it is put to work."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from catalogue.check import Issue, check
from catalogue.drafting import drafted
from catalogue.load import read
from catalogue.model import WarningModel
from catalogue.rule import evaluate
from catalogue.vocabulary import vocabularies
from features import profile_store
from gnomon.config import Settings
from gnomon.errors import Fault, Misuse
from gnomon.terms import Severity

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from cases.people import Person

SHOWN = 20
"""Entities that are told by name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One entity that the model would ask about."""

    entity_id: str
    name: str
    severity: Severity
    score: float
    case_id: int | None
    """The running case about it and the model's scheme, where there is one."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a model would do now."""

    as_of: datetime
    entities: int
    fires: int
    alerts: int
    unknown: int
    """Could not be computed: something that the conditions need is unknown."""
    excluded: int
    """Would be asked about but for an exclusion."""
    in_cases: int
    """Of those that it would ask about, how many are in a running case of the scheme already."""
    lacking: tuple[str, ...]
    """Measures that nobody here has a value of."""
    asked: Sequence[Asked]
    """The highest scores first, `SHOWN` at most."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A model as its author wrote it: what is wrong, what is weak, and what it would do."""

    model: WarningModel | None
    faults: tuple[Fault, ...]
    issues: tuple[Issue, ...]


def look(text: str) -> Looked:
    """Read a model from text. The text is data: nothing in it is run."""
    faults: list[Fault] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{_named(text)}.yaml"
        path.write_text(text, encoding="utf-8")
        known = vocabularies()
        model = read(path, faults, known)
        issues = tuple(check([model], known)) if model is not None else ()
    return Looked(model, tuple(faults), issues)


def of_case(session: Session, id: str, case_id: int, reader: Person) -> tuple[str, str]:
    """A draft from the gravest warning of a case, as YAML, and the case's scene. Who drew it has read the case."""
    from cases import service

    view = service.read(session, case_id, reader)
    warnings = [one for row in view.warnings if not (one := row.warned()).random]
    if not warnings:
        raise Fault("catalogue.new.nothing", place=str(case_id), status=422)
    first = warnings[0]
    text = drafted(id, first.scene, first.scheme, first.entity_kind, first.title, first.reasons, case_id)
    return text, first.scene


def tried(
    settings: Settings, model: WarningModel, session: Session | None = None, reader: Person | None = None
) -> Tried:
    """Hold a rule against the newest stored profiles of its kind of entity.

    With `session` the running cases about whom it asks are told too, those that `reader` may see. A fault where no
    profiles are stored.
    """
    if model.detector != "rule":
        raise Misuse("catalogue.backtest.learned", place=model.id, entity=model.entity)
    folder = profile_store.latest(settings.workspace / "profiles", model.entity)
    if folder is None:
        raise Fault("serving.trying.no_profiles", place=model.entity, status=404, entity=model.entity)
    profiles = profile_store.load(folder)
    result = evaluate(model, profiles)
    ids = profiles.ids
    order = sorted((n for n in range(len(ids)) if result.fires[n]), key=lambda n: (-float(result.score[n]), ids[n]))
    held = _held(session, model, [ids[n] for n in order], reader)
    names = profiles.attributes["name"].to_list() if "name" in profiles.attributes else ids
    asked = [
        Asked(
            ids[n],
            str(names[n] or ids[n]),
            Severity.ALERT if result.alert[n] else Severity.WARN,
            float(result.score[n]),
            held.get(ids[n]),
        )
        for n in order[:SHOWN]
    ]
    return Tried(
        profiles.as_of,
        len(ids),
        len(order),
        int(result.alert.sum()),
        int(result.unknown.sum()),
        len(result.excluded),
        len(held),
        result.lacking,
        asked,
    )


def _held(session: Session | None, model: WarningModel, ids: Sequence[str], reader: Person | None) -> dict[str, int]:
    if session is None or not ids:
        return {}
    from cases.pages import standing

    return standing(session, model.entity, model.scheme, ids, reader)


def _named(text: str) -> str:
    """The id that the text gives itself: the file is named after it."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "id" and value.strip().replace("-", "").isalnum() and len(value.strip()) <= 120:
            return value.strip()
    return "model"
