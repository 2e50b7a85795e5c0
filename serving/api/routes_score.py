"""`/v1/score`: score entities at their stored profiles, or raw records before an award or a payment."""

from __future__ import annotations

from fastapi import APIRouter, Request

from serving import records
from serving.api.auth import Reader
from serving.api.schemas import EntityScoreOut, ScoreIn, ScoreOut
from serving.api.state import serving_of

router = APIRouter(tags=["score"])


@router.post("/v1/score", summary="Score entities or raw records, with or without reasons")
def score(asked: ScoreIn, request: Request, _: Reader) -> ScoreOut:
    """Give `ids` to score entities at their newest stored profiles, or `records` to score what has just come in:
    one tender with its bids before the award, a batch of claims before payment. Records are held against the stored
    norms; they are not kept. An id whose record is read as one with another entity's is answered by that entity, once
    for each id."""
    serving = serving_of(request)
    scorer = serving.scorer(asked.entity)
    profiles = scorer.entities(asked.ids) if asked.ids else scorer.records(records.tables_of(asked.records))
    told = {one.entity_id: one for one in scorer.score(profiles, asked.explain)}
    named = scorer.asked(asked.ids) if asked.ids else dict(zip(told, told, strict=True))
    serving.metrics.scored(scorer.entity, len(told))
    return ScoreOut(
        entity=scorer.entity,
        as_of=profiles.as_of,
        lake_version=profiles.lake_version,
        champion=None if scorer.champion is None else scorer.champion.name,
        results=[EntityScoreOut.of(told[entity], asked.explain, one) for one, entity in named.items()],
    )
