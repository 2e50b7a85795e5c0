"""What would have to be different for a warning not to fire, in words."""

from __future__ import annotations

from features.profiles import Profiles
from gnomon.i18n import both
from gnomon.terms import Change, Counterfactual, Text
from serving.budget import Finding
from serving.quantities import quantity
from serving.reasons import BETWEEN
from training.counterfactual import Move, counterfactual


def change(profiles: Profiles, finding: Finding) -> Counterfactual | None:
    """The changes under which the finding's model stays silent; None when it cannot be asked, or few are not enough."""
    if finding.rescore is None:
        return None
    found = counterfactual(profiles, finding.entity_id, finding.contributions, finding.rescore, finding.silent_under)
    return None if found is None else told(profiles, finding.entity_id, found.moves)


def told(profiles: Profiles, entity_id: str, moves: tuple[Move, ...]) -> Counterfactual:
    """Moves as changes with one sentence for all of them."""
    changes, said = [], []
    for move in moves:
        column, norm = profiles.column(move.column), profiles.norm(entity_id, move.column)
        changes.append(Change(move.column, column.title, move.value, move.to, column.unit))
        place = "median" if norm is None or move.to == norm.median else "edge"
        value, to = (quantity(one, column.unit) for one in (move.value, move.to))
        said.append(both(f"serving.change.{place}", title=column.title, value=value, to=to))
    joined = Text("，".join(one.zh for one in said), "; ".join(one.en for one in said))
    sentence = both("serving.change.sentence", moves=joined)
    return Counterfactual(tuple(changes), Text(BETWEEN.sub("", sentence.zh), sentence.en))
