"""What goes over the wire about the models that score here, version 1."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from serving.api.schemas import TextOut, Wire


class ModelOut(Wire):
    """The learned model that serves one kind of entity here."""

    entity: str
    name: str | None = Field(description="`<registered name>/<version>`; null when none is promoted.")
    detector: str | None
    columns: list[str] = Field(description="Profile columns that the model reads.")
    profiles_as_of: datetime | None = Field(description="Stored profiles that ids are scored at.")
    entities: int


class WarningModelOut(Wire):
    """One entry of the catalogue."""

    id: str
    version: int
    scene: str
    stage: str
    entity: str
    scheme: str
    detector: str
    title: TextOut
    meaning: TextOut
    advice: TextOut
    basis: list[str]
    when: str
    alert: str
    unless: list[str]
