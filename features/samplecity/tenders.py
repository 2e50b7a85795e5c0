"""Ten years of honest tendering, and how tenders, bids and awards are written."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.market import TRADES, Market
from features.samplecity.plan import CITY_REGION, HISTORY_END, LATER_END, TENDER_START, City, Numbers, moments, or_null

DAY = np.timedelta64(86_400, "s")
THRESHOLDS = {"services": 1_000_000.0, "goods": 2_000_000.0, "works": 4_000_000.0}
"""From these control prices on, open tendering is mandatory (National Development and Reform Commission, order 16)."""
QUIET = 25 * DAY


def new_tenders(
    rng: np.random.Generator, market: Market, trade: Numbers, buyer: Numbers, opened: np.ndarray, ceiling: np.ndarray
) -> pd.DataFrame:
    """Tenders with the method that their control price calls for, and a title."""
    count = len(trade)
    limit = np.array([THRESHOLDS[one.category] for one in TRADES])[trade]
    small = rng.choice(["negotiation", "consultation", "inquiry", "open"], count, p=(0.2, 0.25, 0.3, 0.25))
    large = rng.choice(["open", "invited"], count, p=(0.92, 0.08))
    titles = [
        f"{market.buyers['name'].iloc[who]}{moment.astype('datetime64[Y]')}年{TRADES[what].title}项目"
        for who, moment, what in zip(buyer, opened, trade, strict=True)
    ]
    return pd.DataFrame(
        {
            "trade": trade,
            "buyer": buyer,
            "ceiling": np.round(ceiling, -2),
            "opened": opened,
            "method": np.where(ceiling >= limit, large, small).astype(object),
            "criteria": rng.choice(["lowest", "reasonable_low", "comprehensive"], count, p=(0.5, 0.15, 0.35)),
            "title": titles,
            "planted": False,
        }
    )


def honest_market(city: City, market: Market) -> None:
    """Fill the market with tenders at which firms compete on their own account."""
    rng, count = city.rng("tenders"), city.size.tenders
    share = np.array([trade.share for trade in TRADES])
    trade = rng.choice(len(TRADES), size=count, p=share / share.sum())
    weight = market.buyers["activity"].to_numpy()
    buyer = rng.choice(len(market.buyers), size=count, p=weight / weight.sum())
    opened = moments(rng, count, TENDER_START, LATER_END - QUIET)
    # Nothing opens in the last weeks of a wave, so that a tender and its award arrive in the same one.
    near = (opened > HISTORY_END - QUIET) & (opened <= HISTORY_END)
    opened = np.where(near, opened - QUIET, opened)
    order = np.argsort(opened, kind="stable")
    trade, buyer, opened = trade[order], buyer[order], opened[order]
    growth = 1.0 + 0.04 * ((opened - TENDER_START) / (365 * DAY))
    ceiling = np.array([one.ceiling for one in TRADES])[trade] * rng.lognormal(0.0, 0.75, count) * growth
    market.tenders = new_tenders(rng, market, trade, buyer, opened, ceiling)
    market.bids = honest_bids(rng, market, market.tenders)


def honest_bids(rng: np.random.Generator, market: Market, tenders: pd.DataFrame) -> pd.DataFrame:
    """Three to eight bids each: a common cost of the job, each firm's own efficiency, and each bidder's own guess."""
    firms, count = market.firms, len(tenders)
    trade = tenders["trade"].to_numpy()
    able = (firms["trade"].to_numpy()[None] == trade[:, None]) | (firms["trade2"].to_numpy()[None] == trade[:, None])
    able &= firms["founded"].to_numpy()[None] < tenders["opened"].to_numpy()[:, None] - 365 * DAY
    able |= (firms["trade"].to_numpy()[None] == trade[:, None]) & (able.sum(axis=1) < 8)[:, None]
    taste = np.log(firms["activity"].to_numpy())[None] + rng.gumbel(size=able.shape)
    ranked = np.argsort(-np.where(able, taste, -np.inf), axis=1, kind="stable")[:, :8]
    wanted = 3 + rng.binomial(5, 0.38, count)
    many = np.minimum(np.minimum(wanted, able.sum(axis=1)), 8)
    tender = np.repeat(np.arange(count), many)
    place = np.arange(len(tender)) - np.repeat(np.cumsum(many) - many, many)
    firm = ranked[tender, place]
    cost = rng.normal(0.885, 0.035, count)
    spread = np.array([one.spread for one in TRADES])[trade] * rng.lognormal(-0.05, 0.35, count)
    ratio = cost[tender] + firms["efficiency"].to_numpy()[firm] + spread[tender] * rng.normal(size=len(tender))
    draw = rng.random(len(tender))
    status = np.select(
        [ratio > 1.0, draw < 0.045, draw < 0.053], ["disqualified", "disqualified", "withdrawn"], "valid"
    )
    bids = pd.DataFrame({"tender": tender, "firm": firm, "ratio": ratio.clip(0.5, 1.06), "status": status})
    # Somebody has to be left.
    alone = bids.groupby("tender")["status"].transform(lambda one: (one == "valid").sum()) < 2
    bids.loc[alone, "status"] = "valid"
    bids.loc[alone, "ratio"] = bids.loc[alone, "ratio"].clip(upper=0.999)
    return bids


def write_tenders(city: City, market: Market) -> None:
    """Decide every tender and write `tender`, `bid`, `award` and `policy_threshold`."""
    rng = city.rng("write tenders")
    tenders, bids = market.tenders, market.bids.sort_values(["tender", "ratio"], kind="stable", ignore_index=True)
    number = bids["tender"].to_numpy()
    ids = np.array([f"BD{10_000_000 + one}" for one in range(len(tenders))], object)
    # Amounts as firms write them: to the yuan, or to the hundred in every third bid.
    amount = bids["ratio"].to_numpy() * tenders["ceiling"].to_numpy()[number]
    amount = np.where(rng.random(len(bids)) < 0.33, np.round(amount, -2), np.round(amount))
    valid = (bids["status"] == "valid").to_numpy()
    best = pd.Series(np.where(valid, amount, np.inf)).groupby(number).transform("min").to_numpy()
    quality = 50 + 4 * market.firms["quality"].to_numpy()[bids["firm"]] + rng.normal(0, 3, len(bids))
    score = 40 * np.minimum(best / amount, 1.0) + quality.clip(30, 60)
    lowest = (tenders["criteria"] != "comprehensive").to_numpy()[number]
    rank = np.where(valid, np.where(lowest, -amount, score), -np.inf)
    wins = np.zeros(len(bids), bool)
    wins[pd.Series(rank).groupby(number).idxmax().to_numpy()] = True
    fate = rng.random(len(tenders))
    # A scheme's tenders all come off; an honest one fails now and then.
    fails = (fate < 0.02) & ~tenders["planted"].to_numpy(bool)
    wins &= ~fails[number]
    opened = tenders["opened"].to_numpy()
    before = rng.integers(60, 4_000, len(bids)).astype("timedelta64[m]")
    city.tables["bid"] = pd.DataFrame(
        {
            "bid_id": [f"TB{one:08d}" for one in range(len(bids))],
            "tender_id": ids[number],
            "bidder_id": market.firms["org_id"].to_numpy()[bids["firm"]],
            "amount": amount,
            "submitted_at": opened[number] - before,
            "status": bids["status"],
            "disqualify_reason": or_null(
                (bids["status"] == "disqualified").to_numpy(),
                np.where(bids["ratio"] > 1, "报价超过最高限价", "资格文件不符合要求"),
            ),
            "score_total": np.where(lowest | ~valid, np.nan, np.round(score, 2)),
            "is_winner": wins,
            "bond_account_hash": city.pseudonyms("account", len(market.firms))[bids["firm"]],
            "agent_person_id": city.pseudonyms("agent", len(market.firms))[bids["firm"]],
        }
    )
    won = city.tables["bid"][wins].reset_index(drop=True)
    row = number[wins]
    city.tables["award"] = pd.DataFrame(
        {
            "award_id": "ZB" + won["tender_id"].str[2:],
            "tender_id": won["tender_id"],
            "bid_id": won["bid_id"],
            "buyer_id": market.buyers["org_id"].to_numpy()[tenders["buyer"].to_numpy()[row]],
            "supplier_id": won["bidder_id"],
            "amount": won["amount"],
            "awarded_at": opened[row] + rng.integers(2, 12, len(row)) * DAY,
            "publicity_days": 3.0,
            "status": "active",
        }
    )
    city.tables["tender"] = _tender_rows(rng, market, ids, fails)
    city.tables["policy_threshold"] = _thresholds()


def _tender_rows(rng: np.random.Generator, market: Market, ids: np.ndarray, fails: np.ndarray) -> pd.DataFrame:
    tenders, count = market.tenders, len(market.tenders)
    opened = tenders["opened"].to_numpy()
    limit = np.array([THRESHOLDS[one.category] for one in TRADES])[tenders["trade"]]
    wait = np.where(tenders["ceiling"] >= limit, rng.integers(20, 33, count), rng.integers(6, 16, count))
    published = opened - wait * DAY
    ceiling = tenders["ceiling"].to_numpy(float)
    return pd.DataFrame(
        {
            "tender_id": ids,
            "buyer_id": market.buyers["org_id"].to_numpy()[tenders["buyer"]],
            "title": tenders["title"],
            "category": np.array([one.category for one in TRADES], object)[tenders["trade"]],
            "class_code": or_null(rng.random(count) >= 0.01, np.array([one.code for one in TRADES])[tenders["trade"]]),
            "method": tenders["method"],
            "award_criteria": tenders["criteria"],
            "estimated_value": np.round(ceiling * rng.uniform(1.0, 1.05, count), -3),
            "ceiling_price": np.where(rng.random(count) < 0.02, np.nan, ceiling),
            "published_at": published,
            "docs_from": published,
            "docs_to": published + 5 * DAY,
            "deadline_at": opened,
            "opened_at": opened,
            "n_downloads": rng.integers(4, 20, count),
            "bond_amount": np.round(ceiling * 0.02, -2),
            "status": np.where(fails, "failed", "complete"),
            "region_code": CITY_REGION,
        }
    )


def _thresholds() -> pd.DataFrame:
    rows: list[tuple[str, str, str, str | None, float, str]] = []
    for category, value in THRESHOLDS.items():
        order = "必须招标的工程项目规定（国家发展和改革委员会令第16号）"
        rows.append((f"tender.{category}.mandatory", "000000", "2018-06-01", None, value, order))
        old = "工程建设项目招标范围和规模标准规定（国家发展计划委员会令第3号）"
        rows.append((f"tender.{category}.mandatory", "000000", "2000-05-01", "2018-06-01", value / 2, old))
        local = "云汀市限额以下小型项目交易管理办法"
        rows.append((f"tender.small.limit.{category}", CITY_REGION, "2016-01-01", None, value / 5, local))
    names = ["key", "region_code", "valid_from", "valid_to", "value", "legal_basis"]
    frame = pd.DataFrame(rows, columns=names).assign(unit="CNY")
    for name in ("valid_from", "valid_to"):
        frame[name] = pd.to_datetime(frame[name])
    return frame
