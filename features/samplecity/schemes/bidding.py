"""Planted tender schemes: a rotating ring, two groups with cover bids, split tenders, prices that hug the ceiling."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.market import CLEANING, IT, PEST, PROPERTY, RENOVATION, ROADS, TRADES, Market
from features.samplecity.plan import HISTORY_END, LATER_END, TENDER_START, City, Mask, Numbers, Reals, iso_day
from features.samplecity.tenders import DAY, QUIET, THRESHOLDS, new_tenders


def plant_bidding(city: City, market: Market) -> None:
    """Plant all tender schemes; the firms that take part are marked in `market.firms["role"]`."""
    ring(city, market)
    cover_group(city, market, ROADS, "road-cover", np.datetime64("2021-01-01T00:00:00"), rotates=False)
    cover_group(city, market, CLEANING, "cleaning-cover", np.datetime64("2020-01-01T00:00:00"), rotates=True)
    split_tenders(city, market)
    hugging_prices(city, market)


def _rigged(
    rng: np.random.Generator, market: Market, tenders: Numbers, members: Numbers, winners: Numbers, outsiders: Numbers
) -> pd.DataFrame:
    """Bids of rigged tenders: the chosen winner well ahead, cover bids crowded together above it, few outsiders."""
    frames = []
    for tender, winner in zip(tenders, winners, strict=True):
        losers = rng.permutation(members[members != winner])[: int(rng.integers(2, len(members)))]
        lead = float(rng.uniform(0.91, 0.972))
        gap = float(rng.uniform(0.010, 0.026))
        cover = lead + gap + rng.uniform(0.0, float(rng.uniform(0.002, 0.009)), len(losers))
        firm, ratio = np.append(losers, winner), np.append(cover, lead)
        if rng.random() < 0.2:
            # Somebody from outside tries, and does not know how low one must go.
            firm = np.append(firm, rng.choice(outsiders))
            ratio = np.append(ratio, lead + gap + float(rng.uniform(-0.01, 0.015)))
        frames.append(pd.DataFrame({"tender": tender, "firm": firm, "ratio": ratio.clip(max=0.9995)}))
    bids = pd.concat(frames, ignore_index=True)
    market.tenders.loc[tenders, "criteria"] = "lowest"
    market.tenders.loc[tenders, "planted"] = True
    return bids.assign(status="valid")


def _tender_codes(numbers: Numbers) -> list[str]:
    return [f"BD{10_000_000 + int(one)}" for one in numbers]


def ring(city: City, market: Market) -> None:
    """Five pest-control firms take turns over ten years."""
    rng = city.rng("ring")
    members = market.of_trade(PEST)[:5]
    market.firms.loc[members, "role"] = "pest-ring"
    market.firms.loc[members, "founded"] = np.datetime64("2010-03-01T00:00:00")
    trade = (market.tenders["trade"] == PEST).to_numpy()
    mine = np.flatnonzero(trade & (rng.random(len(trade)) < 0.72))
    winners = members[np.arange(len(mine)) % 5]
    market.replace_bids(mine, _rigged(rng, market, mine, members, winners, market.of_trade(PEST)))
    spell = (iso_day(TENDER_START), "")
    city.plant("supplier", market.codes(members), "bid-rigging", "pest-control ring of five, tied and rotating", spell)
    city.plant("tender", _tender_codes(mine), "bid-rigging", "won by turns in the pest-control ring", spell)


def cover_group(city: City, market: Market, trade: int, role: str, start: np.datetime64, *, rotates: bool) -> None:
    """Four firms of a trade: one wins (or they take turns), the others cover."""
    rng = city.rng(role)
    members = market.of_trade(trade)[:4]
    market.firms.loc[members, "role"] = role
    market.firms.loc[members, "founded"] = np.datetime64("2012-03-01T00:00:00")
    open_then = (market.tenders["trade"] == trade) & (market.tenders["opened"] >= start)
    mine = np.flatnonzero(open_then.to_numpy() & (rng.random(len(open_then)) < 0.38))
    turn = np.arange(len(mine)) % 4 if rotates else np.zeros(len(mine), int)
    market.replace_bids(mine, _rigged(rng, market, mine, members, members[turn], market.of_trade(trade)))
    note = "takes turns, the others cover" if rotates else "one wins, three cover"
    city.plant("supplier", market.codes(members), "cover-bidding", note, (iso_day(start), ""))
    city.plant("tender", _tender_codes(mine), "cover-bidding", note, (iso_day(start), ""))


def _episodes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Starts of episodes between 2022 and the end of the second wave, the last weeks of either wave left out."""
    span = int((LATER_END - QUIET - np.datetime64("2022-01-01T00:00:00")) / DAY) - 60
    return np.datetime64("2022-01-01T09:30:00") + np.sort(rng.choice(span, count, replace=False)) * DAY


def _rivals(rng: np.random.Generator, firms: list[int], tenders: int, many: int) -> Numbers:
    """`many` different firms for each tender, drawn anew each time; one row a place."""
    places = np.argsort(rng.random((tenders, len(firms))), axis=1)[:, :many]
    return np.asarray(firms, np.int64)[places].T


def _settled(opened: np.ndarray) -> Mask:
    return np.asarray((opened <= HISTORY_END - QUIET) | (opened > HISTORY_END))


def split_tenders(city: City, market: Market) -> None:
    """Three buyers cut one job into three to six awards just under the threshold, all to one supplier."""
    rng = city.rng("splits")
    busy = market.buyers["activity"].sort_values(ascending=False).index.to_numpy()[2:5]
    episodes = 6 if city.size.tenders > 2000 else 3
    for buyer, trade in zip(busy, (RENOVATION, PROPERTY, IT), strict=True):
        friend, *others = market.of_trade(trade)[4:]
        market.firms.loc[friend, "role"] = "split-favourite"
        market.firms.loc[friend, "founded"] = np.datetime64("2015-03-01T00:00:00")
        limit = THRESHOLDS[TRADES[trade].category]
        ids: list[str] = []
        for start in _episodes(rng, episodes):
            parts = int(rng.integers(3, 7))
            opened = start + np.sort(rng.choice(50, parts, replace=False)) * DAY
            opened = np.where(_settled(opened), opened, opened - QUIET)
            ceiling = limit * rng.uniform(0.93, 0.999, parts)
            tenders = new_tenders(rng, market, np.full(parts, trade), np.full(parts, buyer), opened, ceiling)
            tenders = tenders.assign(method="inquiry", criteria="lowest", planted=True)
            tenders["title"] = [f"{title}（第{lot + 1}包）" for lot, title in enumerate(tenders["title"])]
            win = rng.uniform(0.955, 0.985, parts)
            bids = [pd.DataFrame({"tender": np.arange(parts), "firm": friend, "ratio": win})]
            for rivals in _rivals(rng, others, parts, 2):
                worse = np.minimum(win + rng.uniform(0.004, 0.05, parts), 0.9995)
                bids.append(pd.DataFrame({"tender": np.arange(parts), "firm": rivals, "ratio": worse}))
            ids += _tender_codes(market.append(tenders, pd.concat(bids, ignore_index=True).assign(status="valid")))
        spell = ("2022-01-01", "")
        note = f"one {TRADES[trade].title} job cut into awards just below {limit:,.0f}"
        city.plant("buyer", market.buyer_codes([int(buyer)]), "threshold-splitting", note, spell)
        city.plant("supplier", market.codes([int(friend)]), "threshold-splitting", note, spell)
        city.plant("tender", ids, "threshold-splitting", note, spell)


def hugging_prices(city: City, market: Market) -> None:
    """Two suppliers win again and again a hair below the control price, though others bid."""
    rng = city.rng("hugging")
    for trade, start in ((IT, "2019-01-01"), (PROPERTY, "2020-01-01")):
        firm, *others = market.of_trade(trade)
        market.firms.loc[firm, "role"] = "price-hugger"
        market.firms.loc[firm, "founded"] = np.datetime64("2011-03-01T00:00:00")
        rows = (market.tenders["trade"] == trade) & (market.tenders["opened"] >= np.datetime64(start))
        free = np.flatnonzero(rows.to_numpy() & ~market.tenders["planted"].to_numpy(bool))
        mine = np.sort(rng.choice(free, size=min(len(free) // 2, 26), replace=False))
        win: Reals = rng.uniform(0.9952, 0.9988, len(mine))
        bids = [pd.DataFrame({"tender": mine, "firm": firm, "ratio": win})]
        for rivals in _rivals(rng, others, len(mine), 3):
            above = np.minimum(win + rng.uniform(0.0002, 0.001, len(mine)), 0.9998)
            bids.append(pd.DataFrame({"tender": mine, "firm": rivals, "ratio": above}))
        market.replace_bids(mine, pd.concat(bids, ignore_index=True).assign(status="valid"))
        market.tenders.loc[mine, "criteria"] = "lowest"
        market.tenders.loc[mine, "planted"] = True
        note = "wins a hair below the control price against rivals"
        city.plant("supplier", market.codes([int(firm)]), "price-deviation", note, (start, ""))
        city.plant("tender", _tender_codes(mine), "price-deviation", note, (start, ""))
