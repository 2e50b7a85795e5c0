"""Honest market look-alikes: a sole licensed supplier, call-offs of a framework, and a narrow but lively market."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.market import LIFTS, OFFICE, WASTE, Market
from features.samplecity.plan import HISTORY_END, LATER_END, TENDER_START, City, moments
from features.samplecity.tenders import QUIET, new_tenders


def place_market(city: City, market: Market) -> None:
    """Place all market look-alikes."""
    _monopoly(city, market)
    _framework(city, market)
    why = "five firms of a narrow market meet at every tender and compete with wide price spreads"
    city.excuse("supplier", market.codes(market.of_trade(LIFTS)), "narrow-market", why)


def _opened(rng: np.random.Generator, count: int, start: np.datetime64) -> np.ndarray:
    opened = np.sort(moments(rng, count, start, LATER_END - QUIET))
    return np.where((opened > HISTORY_END - QUIET) & (opened <= HISTORY_END), opened - QUIET, opened)


def _monopoly(city: City, market: Market) -> None:
    """Medical waste may be burnt by one licensed firm only: always single source, always the same winner."""
    rng = city.rng("monopoly")
    firm = int(np.flatnonzero(market.firms["role"] == "monopoly")[0])
    count = 70 if city.size.tenders > 2000 else 30
    opened = _opened(rng, count, TENDER_START)
    buyer = rng.integers(0, len(market.buyers), count)
    ceiling = 1_800_000 * rng.lognormal(0, 0.4, count)
    tenders = new_tenders(rng, market, np.full(count, WASTE), buyer, opened, ceiling)
    tenders = tenders.assign(method="single_source", criteria="lowest")
    bids = pd.DataFrame({"tender": np.arange(count), "firm": firm, "ratio": rng.uniform(0.93, 0.99, count)})
    market.append(tenders, bids.assign(status="valid"))
    city.excuse("supplier", market.codes([firm]), "monopoly-supplier", "holds the only licence, so nobody else can bid")


def _framework(city: City, market: Market) -> None:
    """A buyer calls off equal small lots from a framework agreement, in turn from its four suppliers."""
    rng = city.rng("framework")
    buyer = int(market.buyers["activity"].sort_values(ascending=False).index[6])
    firms = market.of_trade(OFFICE)[2:6]
    count = 180 if city.size.tenders > 2000 else 60
    opened = _opened(rng, count, np.datetime64("2023-07-01T00:00:00"))
    tenders = new_tenders(rng, market, np.full(count, OFFICE), np.full(count, buyer), opened, np.full(count, 50_000.0))
    tenders = tenders.assign(method="framework", criteria="lowest")
    tenders["title"] = [f"{title}（框架协议第{lot + 1}次采购）" for lot, title in enumerate(tenders["title"])]
    bids = pd.DataFrame({"tender": np.arange(count), "firm": firms[np.arange(count) % 4], "ratio": 0.96})
    market.append(tenders, bids.assign(status="valid"))
    why = "call-offs from a framework agreement: many, small, equal and far below any threshold"
    city.excuse("buyer", market.buyer_codes([buyer]), "framework-buyer", why)
    city.excuse("supplier", market.codes(firms), "framework-supplier", why)
