"""Buyers, firms and trades of the city's tender market."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.samplecity import names
from features.samplecity.identifiers import credit_codes
from features.samplecity.plan import CITY_REGION, DISTRICTS, City, Numbers


@dataclass(frozen=True, slots=True)
class Trade:
    """A class of things bought. `ceiling` is the median control price (CNY); `spread` the sd of honest bids over it."""

    code: str
    title: str
    category: str
    word: str
    share: float
    firms: float
    ceiling: float
    spread: float


TRADES = (
    Trade("C190300", "病媒生物防治服务", "services", "有害生物防治", 0.09, 0.07, 380_000, 0.050),
    Trade("B070200", "道路养护维修工程", "works", "路桥工程", 0.13, 0.14, 3_200_000, 0.045),
    Trade("C130100", "环卫清扫保洁服务", "services", "环境服务", 0.13, 0.13, 1_300_000, 0.050),
    Trade("C140200", "园林绿化养护服务", "services", "园林绿化", 0.11, 0.12, 900_000, 0.060),
    Trade("C210400", "物业管理服务", "services", "物业管理", 0.13, 0.14, 1_100_000, 0.035),
    Trade("A020100", "办公设备采购", "goods", "科技", 0.12, 0.13, 420_000, 0.014),
    Trade("A110200", "医用耗材采购", "goods", "医疗器械", 0.10, 0.10, 1_500_000, 0.070),
    Trade("C160700", "信息系统运维服务", "services", "信息技术", 0.09, 0.09, 850_000, 0.065),
    Trade("B080300", "校舍修缮工程", "works", "建筑工程", 0.10, 0.13, 2_600_000, 0.055),
    Trade("C180500", "电梯维护保养服务", "services", "电梯", 0.03, 0.0, 240_000, 0.110),
    Trade("C220900", "医疗废物集中处置服务", "services", "危险废物处置", 0.0, 0.0, 1_800_000, 0.010),
)
PEST, ROADS, CLEANING, OFFICE, IT, RENOVATION, LIFTS, WASTE = 0, 1, 2, 5, 7, 8, 9, 10
PROPERTY = 4
LIFT_FIRMS = 5


@dataclass
class Market:
    """Firms and buyers by number, and the tenders and bids in the making.

    `tenders`: trade, buyer, ceiling, opened, method, criteria, title. `bids`: tender, firm, ratio (bid over control
    price), status. A tender's winner is its lowest or best-scored valid bid.
    """

    firms: pd.DataFrame
    buyers: pd.DataFrame
    tenders: pd.DataFrame = field(default_factory=pd.DataFrame)
    bids: pd.DataFrame = field(default_factory=pd.DataFrame)

    def codes(self, firms: Numbers | list[int]) -> list[str]:
        """Credit codes of firms by number."""
        return [str(one) for one in self.firms["org_id"].to_numpy()[firms]]

    def buyer_codes(self, buyers: Numbers | list[int]) -> list[str]:
        """Credit codes of buyers by number."""
        return [str(one) for one in self.buyers["org_id"].to_numpy()[buyers]]

    def of_trade(self, trade: int) -> Numbers:
        """Ordinary firms whose main trade it is, the busiest first."""
        own = self.firms[(self.firms["trade"] == trade) & (self.firms["role"] == "")]
        return own.sort_values("activity", ascending=False).index.to_numpy()

    def replace_bids(self, tenders: Numbers, bids: pd.DataFrame) -> None:
        """Put other bids in the place of those of some tenders."""
        kept = self.bids[~self.bids["tender"].isin(tenders)]
        self.bids = pd.concat([kept, bids], ignore_index=True)

    def append(self, tenders: pd.DataFrame, bids: pd.DataFrame) -> Numbers:
        """Add tenders numbered from 0 and their bids; returns their numbers in the market."""
        shift = len(self.tenders)
        self.tenders = pd.concat([self.tenders, tenders], ignore_index=True)
        self.bids = pd.concat([self.bids, bids.assign(tender=bids["tender"] + shift)], ignore_index=True)
        return np.arange(shift, shift + len(tenders))


def found_market(city: City) -> Market:
    """Buyers and firms with their `organization` rows; a few firms get their part in the story (`role`) here."""
    rng, size = city.rng("market"), city.size
    share = np.array([trade.firms for trade in TRADES])
    counts = np.maximum(8, np.floor(share / share.sum() * (size.suppliers - LIFT_FIRMS - 1))).astype(int)
    counts[LIFTS], counts[WASTE] = LIFT_FIRMS, 1
    trade = np.repeat(np.arange(len(TRADES)), counts)
    count = len(trade)
    district = rng.integers(0, len(DISTRICTS), count)
    taken: set[str] = set()
    regions = [DISTRICTS[number][0] for number in district]
    firms = pd.DataFrame(
        {
            "org_id": credit_codes(rng, "91", regions, taken),
            "name": names.firm_names(rng, [TRADES[number].word for number in trade]),
            "trade": trade,
            # One firm in five also bids in a second trade.
            "trade2": np.where(rng.random(count) < 0.2, rng.integers(1, 9, count), -1),
            "district": district,
            "activity": rng.lognormal(0.0, 0.9, count),
            "efficiency": rng.normal(0.0, 0.018, count),
            "quality": rng.normal(0.0, 1.0, count),
            "founded": np.datetime64("2003-01-01") + rng.integers(0, 6000, count).astype("timedelta64[D]"),
            "role": "",
        }
    )
    firms.loc[firms["trade"].isin([LIFTS, WASTE]), "trade2"] = -1
    firms.loc[firms["trade"] == WASTE, "role"] = "monopoly"
    firms.loc[firms["trade"] == WASTE, "name"] = "云汀洁安危险废物集中处置有限公司"
    bodies = names.buyer_names(size.buyers)
    codes = credit_codes(rng, "11", [CITY_REGION] * len(bodies), taken)
    buyers = pd.DataFrame({"org_id": codes, "name": bodies, "activity": rng.lognormal(0.0, 0.8, len(bodies))})
    market = Market(firms, buyers)
    _write(city, market, rng)
    return market


def _write(city: City, market: Market, rng: np.random.Generator) -> None:
    firms, count = market.firms, len(market.firms)
    staff = np.maximum(2, np.round(rng.lognormal(2.6, 0.9, count)))
    rows = pd.DataFrame(
        {
            "org_id": firms["org_id"],
            "name": firms["name"],
            "roles": [["supplier"]] * count,
            "ownership": np.where(rng.random(count) < 0.06, "public", "private"),
            "industry_code": [TRADES[number].code for number in firms["trade"]],
            "size_class": np.select([staff > 60, staff > 20, staff > 8], ["large", "medium", "small"], "micro"),
            "region_code": [DISTRICTS[number][0] for number in firms["district"]],
            "founded_on": firms["founded"],
            "registered_capital": np.round(staff * rng.uniform(0.05, 0.4, count), 1) * 1_000_000,
            "insured_headcount": staff,
            "business_scope": [TRADES[number].title for number in firms["trade"]],
        }
    )
    rows.loc[rng.random(count) < 0.06, ["registered_capital", "insured_headcount"]] = np.nan
    city_level = market.buyers["name"].str.startswith("云汀市")
    offices = pd.DataFrame(
        {
            "org_id": market.buyers["org_id"],
            "name": market.buyers["name"],
            "roles": [["buyer", "gov_dept"]] * len(market.buyers),
            "level": np.where(city_level, "city", "county"),
            "ownership": "public",
            "industry_code": "S9222",
            "region_code": CITY_REGION,
        }
    )
    city.tables["organization"] = pd.concat([city.tables["organization"], rows, offices], ignore_index=True)
