"""The page that tells people the workflow, written from the table of moves: `python -m cases.handbook docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from cases.workflow import (
    ACTIONS,
    MEANINGS,
    MOVES,
    OUTCOMES,
    ROLES,
    SEVERITIES,
    SIDES,
    STATES,
    TERMS,
    Action,
    Move,
    Need,
    Role,
    Side,
    State,
)
from gnomon.i18n import say
from gnomon.terms import Language, Text

PAGES = {Language.EN: "workflow.md", Language.ZH: "workflow.zh.md"}


def page(language: str) -> str:
    """The whole page in one language, as Markdown."""
    return "\n".join(_lines(language)) + "\n"


def _lines(language: str) -> Iterator[str]:
    def told(key: str, **values: object) -> str:
        return say(f"cases.handbook.{key}", language, **values)

    stop, colon = ("；", "：") if language == Language.ZH else ("; ", ": ")
    yield f"# {told('title')}"
    yield from ("", told("about"), "", f"## {told('states')}", "")
    yield from ("```mermaid", "stateDiagram-v2", *_diagram(language), "```", "")
    yield f"## {told('moves')}"
    for state in State:
        yield from ("", f"### {STATES[state].said_in(language)} `{state}`", "")
        yield f"| {told('action')} | {told('next')} | {told('roles')} | {told('needs')} |"
        yield "|---|---|---|---|"
        for (at, action), move in MOVES.items():
            if at is state:
                title = f"{ACTIONS[action].said_in(language)} `{action}`"
                needs = stop.join(told(need, **values) for need, values in _needs(move)) or "–"
                yield f"| {title} | {STATES[move.to].said_in(language)} | {_roles(move, language)} | {needs} |"
    yield from ("", f"## {told('actions')}", "")
    yield from (
        f"- **{ACTIONS[action].said_in(language)}** `{action}`{colon}{MEANINGS[action].said_in(language)}"
        for action in Action
    )
    yield from ("", f"## {told('outcomes')}", "")
    yield from (f"- **{title.said_in(language)}** `{outcome}`" for outcome, title in OUTCOMES.items())
    yield from ("", f"## {told('terms')}", "")
    yield from (
        f"- {SEVERITIES[severity].said_in(language)}{colon}{told('days', days=term)}"
        for severity, term in TERMS.items()
    )


def _diagram(language: str) -> Iterator[str]:
    yield from (f"    {state}: {title.said_in(language)}" for state, title in STATES.items())
    yield f"    [*] --> {State.OPEN}"
    for (state, action), move in MOVES.items():
        for to in (move.to, move.pending):
            if to is not None and to is not state:
                yield f"    {state} --> {to}: {ACTIONS[action].said_in(language)}"


def _needs(move: Move) -> Iterator[tuple[str, dict[str, object]]]:
    for name in ("needs_reason", "needs_outcome", "needs_person", "owner_only", "other_eyes"):
        if getattr(move, name):
            yield name, {}
    for need in Need:
        if need in move.needs:
            yield f"needs_{need.value}", {}
    if move.sides not in (frozenset(), frozenset({Side.LEAD}), frozenset(Side)):
        yield "sides", {"sides": _listed([SIDES[side] for side in Side if side in move.sides])}
    if move.pending is not None:
        yield "pending", {"state": STATES[move.pending]}


def _listed(texts: list[Text]) -> Text:
    return Text("、".join(one.zh for one in texts), ", ".join(one.en for one in texts))


def _roles(move: Move, language: str) -> str:
    between = "、" if language == Language.ZH else ", "
    return between.join(ROLES[role].said_in(language) for role in Role if role in move.by)


def main(folder: Path) -> None:
    """Write the page in both languages."""
    for language, name in PAGES.items():
        (folder / name).write_text(page(language), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
