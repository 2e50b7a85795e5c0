"""What would have to be different for a warning not to fire, in words."""

from __future__ import annotations

from features.profiles import Profiles
from gnomon.i18n import both
from gnomon.terms import Change, Counterfactual, Text
from serving.budget import Finding
from serving.quantities import quantity
from serving.reasons import BETWEEN
from training.counterfactual import Move, Moved, counterfactual


def change(profiles: Profiles, finding: Finding) -> Counterfactual | None:
    """The changes under which the finding's model stays silent; None when it cannot be asked, or few are not enough."""
    if finding.rescore is None:
        return None
    found = counterfactual(profiles, finding.entity_id, finding.contributions, finding.rescore, finding.silent_under)
    return None if found is None else told(profiles, finding.entity_id, found.measures)


def told(profiles: Profiles, entity_id: str, measures: tuple[Moved, ...]) -> Counterfactual:
    """Every column that moves as a change, and one sentence that names each measure once."""
    changes, said = [], []
    for move in (moved.main for moved in measures):
        column, norm = profiles.column(move.column), profiles.norm(entity_id, move.column)
        changes.append(_change(profiles, move))
        place = "median" if norm is None or move.to == norm.median else "edge"
        value, to = (quantity(one, column.unit) for one in (move.value, move.to))
        said.append(both(f"serving.change.{place}", title=column.title, value=value, to=to))
    joined = Text("，".join(one.zh for one in said), "; ".join(one.en for one in said))
    along = [move for moved in measures for move in moved.along]
    changes += [_change(profiles, move) for move in along]
    sentence = both("serving.change.sentence_along" if along else "serving.change.sentence", moves=joined)
    return Counterfactual(tuple(changes), Text(BETWEEN.sub("", sentence.zh), sentence.en))


def _change(profiles: Profiles, move: Move) -> Change:
    column = profiles.column(move.column)
    return Change(move.column, column.title, move.value, move.to, column.unit)
