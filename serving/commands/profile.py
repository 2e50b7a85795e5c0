"""`gnomon profile`: builds the profiles of one kind of entity and stores them."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from serving.commands.output import AsOfOption, Format, FormatOption, WorkspaceOption, emit, moment, settings_for


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("profile")(profile)


def profile(
    entity: Annotated[str, typer.Argument(help="institution, practitioner, supplier, tender or buyer.")],
    as_of: AsOfOption = None,
    one: Annotated[str | None, typer.Option("--entity", help="Print the profile of this id.")] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
    full: Annotated[bool, typer.Option("--full", help="Measure everything anew, whatever is stored.")] = False,
) -> None:
    """Build the profiles of a kind of entity as of a date, store them in the workspace and say what is known.

    Profiles that are stored are brought up to date: only what new rows touch is measured again.
    """
    from features.engine import Engine
    from features.identity import Links
    from features.lake import Lake
    from features.measures import entity as entity_of
    from features.refresh.refresh import refresh_stored
    from gnomon.errors import Misuse, nearest
    from gnomon.i18n import say
    from gnomon.progress import progress
    from serving.recording import recorded

    settings = settings_for(workspace)
    entity_of(entity)
    until = moment(as_of)
    with recorded(settings, "profile") as wrote, progress(f"profile {entity}"):
        engine = Engine.open(Lake(settings.lake_url), threads=settings.threads)
        root = settings.folder("profiles")
        made, folder = refresh_stored(engine, entity, root, until, settings.min_peers, full)
        profiles = made.profiles
        wrote |= {"entity": profiles.entity, "profiles": folder.name, "rows": len(profiles.values)}
    sys.stderr.write(_done(made, full, settings.language) + "\n")
    if one is None:
        emit(_summary(profiles, str(folder)), form, settings.language)
        return
    found = Links.read_by(engine).named(one, profiles.values.index)
    if found not in profiles.values.index:
        raise Misuse("serving.profile.no_entity", place=f"{entity} {one}", nearest=nearest(one, profiles.ids))
    if found != one:
        sys.stderr.write(say("serving.read_as", settings.language, told=one, entity=found) + "\n")
    emit(_profile(profiles, found), form, settings.language)


def _done(made: Any, full: bool, language: str) -> str:
    """What was measured anew, of all."""
    from gnomon.i18n import say

    entities = len(made.profiles.values)
    if made.against:
        why = say("features.refresh.asked" if full else made.against, language)
        return say("serving.profile.rebuilt", language, entities=entities, why=why)
    ways = list(made.ways.values())
    counts = {way: ways.count(way) for way in ("kept", "added", "whole")}
    return say("serving.profile.refreshed", language, touched=made.touched, entities=entities, **counts)


def _summary(profiles: Any, folder: str) -> list[dict[str, Any]]:
    """One row per column: how many entities have a value and a norm, and why none has."""
    known = profiles.values.notna().mean()
    held = profiles.deviations.notna().mean()
    return [
        {
            "column": column.name,
            "title": column.title,
            "entities": len(profiles.values),
            "known": round(float(known[column.name]), 4),
            "with_norm": round(float(held[column.name]), 4),
            "reason": profiles.missing.get(column.name),
            "as_of": profiles.as_of,
            "lake_version": profiles.lake_version,
            "folder": folder,
        }
        for column in profiles.columns
    ]


def _profile(profiles: Any, entity_id: str) -> list[dict[str, Any]]:
    """One row per column: value, unit, and the norm that it is held against."""
    rows = []
    for column in profiles.columns:
        norm = profiles.norm(entity_id, column.name)
        value, z = (_plain(frame.at[entity_id, column.name]) for frame in (profiles.values, profiles.deviations))
        rows.append(
            {
                "column": column.name,
                "title": column.title,
                "value": value,
                "unit": column.unit,
                "norm": None if norm is None else norm.median,
                "n": None if norm is None else norm.n,
                "peers": None if norm is None else norm.group,
                "deviation": z,
                "reason": profiles.missing.get(column.name),
            }
        )
    return rows


def _plain(value: float) -> float | None:
    return None if value != value else float(value)
