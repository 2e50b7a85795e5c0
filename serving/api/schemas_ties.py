"""Wire models of what ties the firms of a warning."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from features.network import Shared
from serving.api.schemas import Wire
from serving.ties import Ties


class HeldOut(Wire):
    """One firm's side of a tie: the record that says so."""

    firm: str
    name: str
    table: str = Field(description="Registry that the record is of.")
    role: str = Field(description="Interest type, post or kind of contact; empty on the payroll.")
    since: str = Field(description="First day or month; empty where the record gives none.")
    until: str


class SharedOut(Wire):
    """A person, an owner or a contact that several firms have in common."""

    kind: Literal["owner", "staff", "contact"]
    mark: str = Field(description="Id of the owner or person, or kind and value of the contact.")
    name: str = Field(description="Of an owner that is an organisation; else empty.")
    held: list[HeldOut]

    @classmethod
    def of(cls, one: Shared) -> Self:
        """From what the registers say."""
        held = [HeldOut.model_validate(side, from_attributes=True) for side in one.held]
        return cls.model_validate({"kind": one.kind, "mark": one.mark, "name": one.name, "held": held})


class TiesOut(Wire):
    """The sub-graph behind a warning: firms, and what they share. Empty where no reason counts ties."""

    lake_version: int
    shared: list[SharedOut] = Field(description="What most firms share first; marks of a whole registry tie nobody.")

    @classmethod
    def of(cls, lake_version: int, ties: Ties | None) -> Self:
        """From the ties as they were read."""
        return cls(lake_version=lake_version, shared=[SharedOut.of(one) for one in ties.shared] if ties else [])
