"""Who owns the firms, who works there, and where they can be reached; the ring is tied here by owners and staff."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.samplecity.market import Market
from features.samplecity.plan import City, Numbers

_MONTHS = ("2023-06", "2023-12", "2024-06", "2024-12", "2025-06", "2025-12", "2026-03", "2026-06")


def add_ties(city: City, market: Market) -> None:
    """Write `org_interest`, and add firms to `position`, `social_insurance`, `contact_point` and `person`."""
    rng = city.rng("ties")
    count = len(market.firms)
    heads = city.pseudonyms("firm head", count)
    agents = city.pseudonyms("agent", count)
    ring = np.flatnonzero(market.firms["role"] == "pest-ring")
    interests = _interests(city, market, heads, ring, rng)
    city.tables["org_interest"] = pd.DataFrame(interests).assign(directness="direct", interest_type="shareholding")
    city.tables["org_interest"].insert(
        0, "interest_id", [f"GQ{number:06d}" for number in range(len(city.tables["org_interest"]))]
    )
    codes = market.firms["org_id"].to_numpy(object)
    founded = market.firms["founded"].to_numpy()
    posts: list[tuple[Any, ...]] = [(heads[one], codes[one], "legal_rep", founded[one], None) for one in range(count)]
    posts += [(agents[one], codes[one], "bid_agent", founded[one], None) for one in range(count)]
    # The head of one ring firm was another's bid agent before.
    for number, one in enumerate(ring):
        other = ring[(number + 1) % len(ring)]
        posts.append((heads[one], codes[other], "bid_agent", founded[other], np.datetime64("2019-06-30")))
    names = ["person_id", "org_id", "role", "valid_from", "valid_to"]
    position = pd.DataFrame(posts, columns=names).assign(is_public_official=False)
    position["valid_to"] = position["valid_to"].astype("datetime64[s]")
    position.insert(0, "position_id", [f"Q{number:06d}" for number in range(len(position))])
    city.tables["position"] = pd.concat([city.tables["position"], position], ignore_index=True)
    staff = _staff(city, market, ring, rng)
    city.tables["social_insurance"] = staff
    people = pd.DataFrame({"person_id": np.unique(np.concatenate([heads, agents, staff["person_id"].unique()]))})
    city.tables["person"] = pd.concat([city.tables["person"], people], ignore_index=True)
    contacts = _contacts(market, ring, rng)
    city.tables["contact_point"] = pd.concat([city.tables["contact_point"], contacts], ignore_index=True)


def _interests(
    city: City, market: Market, heads: np.ndarray, ring: Numbers, rng: np.random.Generator
) -> list[dict[str, object]]:
    """One to three owners a firm; the ring's firms share owners or hold shares in each other."""
    codes = market.firms["org_id"].to_numpy(object)
    others = city.pseudonyms("owner", len(codes))
    rows: list[dict[str, object]] = []

    def hold(firm: int, holder: object, share: float, kind: str = "person") -> None:
        since = market.firms["founded"].iloc[firm]
        rows.append(
            {"org_id": codes[firm], "holder_id": holder, "holder_kind": kind, "share_pct": share, "valid_from": since}
        )

    for firm in range(len(codes)):
        first = float(rng.integers(50, 100))
        hold(firm, heads[firm], first)
        if rng.random() < 0.6:
            hold(firm, others[firm], 100.0 - first)
    # Ring: 1 and 2 share an owner, 2 holds part of 3, 3 and 4 share an owner, 5's owner holds part of 1.
    hold(int(ring[0]), others[ring[1]], 20.0)
    hold(int(ring[1]), others[ring[1]], 30.0)
    hold(int(ring[2]), codes[ring[1]], 35.0, "organization")
    hold(int(ring[3]), heads[ring[2]], 25.0)
    hold(int(ring[0]), heads[ring[4]], 15.0)
    # Honest families own firms in different trades, too.
    for first, second in rng.permutation(np.setdiff1d(np.arange(len(codes)), ring))[:16].reshape(8, 2):
        if market.firms["trade"].iloc[first] != market.firms["trade"].iloc[second]:
            hold(int(second), heads[first], 30.0)
    return rows


def _staff(city: City, market: Market, ring: Numbers, rng: np.random.Generator) -> pd.DataFrame:
    """Insurance extracts of up to six people a firm; eleven people are paid by two firms of the ring by turns."""
    codes = market.firms["org_id"].to_numpy(object)
    size = rng.integers(2, 7, len(codes))
    firm = np.repeat(np.arange(len(codes)), size)
    people = city.pseudonyms("staff", len(firm))
    frame = pd.DataFrame(
        {
            "person_id": np.repeat(people, len(_MONTHS)),
            "org_id": np.repeat(codes[firm], len(_MONTHS)),
            "month": np.tile(_MONTHS, len(firm)),
            "contribution_base": np.repeat(np.round(rng.lognormal(8.7, 0.3, len(firm)), 0), len(_MONTHS)),
        }
    )
    shared = city.pseudonyms("shared staff", 11)
    rows = []
    for number, person in enumerate(shared):
        pair = (codes[ring[number % 5]], codes[ring[(number + 1) % 5]])
        rows += [(person, pair[step % 2], month, 5200.0) for step, month in enumerate(_MONTHS)]
    extra = pd.DataFrame(rows, columns=["person_id", "org_id", "month", "contribution_base"])
    return pd.concat([frame, extra], ignore_index=True)


def _contacts(market: Market, ring: Numbers, rng: np.random.Generator) -> pd.DataFrame:
    """A telephone and an address a firm; three ring firms answer one telephone, two sit in one room."""
    count = len(market.firms)
    phone = np.array([f"0999{number}" for number in rng.choice(9_000_000, count, replace=False) + 1_000_000], object)
    streets = ("海晏路", "文汇街", "工业大道", "滨江路", "学府路")
    address = np.array(
        [
            f"云汀市{streets[number % 5]}{number // 5 % 300 + 1}号{number % 40 + 101}室"
            for number in rng.permutation(count)
        ],
        object,
    )
    phone[ring[:3]] = phone[ring[0]]
    address[ring[3:5]] = address[ring[3]]
    frames = [
        pd.DataFrame({"party_id": market.firms["org_id"], "kind": kind, "value_norm": value})
        for kind, value in (("phone", phone), ("address", address))
    ]
    return pd.concat(frames, ignore_index=True).assign(valid_from=np.datetime64("2018-01-01"))
