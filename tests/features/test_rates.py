"""Rates drawn to their peers': two of two is not twice as far from the norm as two hundred of four hundred."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.build import build, measure
from features.engine import Engine
from features.leave_one_out import apart
from features.norms import Peers, Placed, fit
from features.profile_store import load, save
from features.rates import Chance, Rates, apart_drawn, moments, prior
from gnomon.terms import Text
from serving.reasons import reasons
from tests.features.profile_rows import day, table

PEERS = Peers(((),), {}, Text("全部", "all"))
ONE = np.zeros(5, np.int64)


def test_the_prior_of_shares_is_kleinmans() -> None:
    """Five groups by hand: hits 1, 4, 2, 9, 6 of 10, 10, 10, 20, 20; rate 22/70."""
    n = np.array([10.0, 10, 10, 20, 20])
    k = np.array([1.0, 4, 2, 9, 6])
    rate, weight = prior(moments(k / n, n, ONE, 1), Chance.SHARE)
    p = 22 / 70
    scatter = float((n * (k / n - p) ** 2).sum())
    apiece = (70 - float((n**2).sum()) / 70) / 4
    rho = (scatter / (p * (1 - p)) - 4) / (4 * (apiece - 1))
    assert rate[0] == pytest.approx(p)
    assert weight[0] == pytest.approx(min(1 / rho - 1, apiece) if rho > 0 else apiece)


def test_the_prior_of_counts_is_marshalls() -> None:
    e = np.array([1.0, 2, 4, 8, 5])
    k = np.array([9.0, 2, 30, 8, 40])
    rate, weight = prior(moments(k / e, e, ONE, 1), Chance.COUNT)
    m = 89 / 20
    apiece = (20 - float((e**2).sum()) / 20) / 4
    between = (float((e * (k / e - m) ** 2).sum()) - 4 * m) / (4 * apiece)
    assert rate[0] == pytest.approx(m)
    assert weight[0] == pytest.approx(m / between)


def test_peers_that_differ_by_chance_alone_weigh_as_much_as_one_of_them() -> None:
    n = np.full(5, 30.0)
    _, weight = prior(moments(np.full(5, 0.2), n, ONE, 1), Chance.SHARE)
    assert weight[0] == pytest.approx(30.0)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=3, max_size=20))
def test_a_rate_is_drawn_between_itself_and_the_others_rate(parts: list[tuple[int, int]]) -> None:
    n = np.array([float(max(k, m)) for k, m in parts])
    x = np.array([k for k, _ in parts]) / n
    codes = np.zeros(len(n), np.int64)
    y, whole = apart_drawn(x, n, Chance.SHARE, codes, 1)
    for i in range(len(n)):
        others = [j for j in range(len(n)) if j != i and whole.low[0] <= x[j] <= whole.high[0]]
        if len(others) < 2:
            continue
        rate = (x[others] * n[others]).sum() / n[others].sum()
        assert min(x[i], rate) - 1e-9 <= y[i] <= max(x[i], rate) + 1e-9


def held(x: list[float], n: list[float], rate: bool) -> pd.Series:
    ids = pd.Index([f"E{i}" for i in range(len(x))], name="entity_id")
    values, attributes = pd.DataFrame({"x": x}, index=ids), pd.DataFrame(index=ids)
    rates = Rates(pd.DataFrame({"x": n}, index=ids), {"x": Chance.SHARE}) if rate else None
    norms = fit(values, attributes, PEERS, frozenset(), 10, rates)
    return apart(values, attributes, norms, PEERS, frozenset(), 10, rates).deviations["x"]


def test_two_of_two_does_not_tower_over_two_hundred_of_four_hundred() -> None:
    honest = [(0.02 + 0.004 * (i % 11), 100.0) for i in range(30)]
    x = [one for one, _ in honest] + [1.0, 0.5]
    n = [many for _, many in honest] + [2.0, 400.0]
    raw, fair = held(x, n, rate=False), held(x, n, rate=True)
    assert raw["E30"] > 1.9 * raw["E31"]
    assert fair["E30"] < fair["E31"]


def requests(late: dict[str, tuple[int, int]]) -> dict[str, list[dict[str, Any]]]:
    rows = []
    for unit, (hits, many) in late.items():
        for i in range(many):
            came, took = i % 50, 9 if i < hits else 1
            rows.append(
                {"request_id": f"{unit}-{i}", "channel": "12345", "topic_code": "noise", "handler_org_id": unit,
                 "received_at": day(came), "due_at": day(came + 5), "replied_at": day(came + took)}
            )  # fmt: skip
    return {"service_request": rows}


def test_stored_profiles_keep_the_trials_and_hold_further_records_alike(tmp_path: Any) -> None:
    rows = requests({f"G{i:02d}": (i % 4, 20 + i) for i in range(12)} | {"G98": (2, 2), "G99": (30, 60)})
    engine = Engine.of({name: table(name, some) for name, some in rows.items()})
    profiles = load(save(build(engine, "department", day(80), min_peers=5), tmp_path / "p"))
    assert profiles.trials is not None
    assert profiles.trials.at["G98", "overdue_share"] == 2
    assert profiles.values.at["G98", "overdue_share"] == 1.0
    assert profiles.deviations.at["G98", "overdue_share"] < profiles.deviations.at["G99", "overdue_share"]
    again = measure(engine, "department", profiles, day(80))
    np.testing.assert_allclose(
        again.deviations["overdue_share"], profiles.deviations["overdue_share"], rtol=1e-7, equal_nan=True
    )


def test_an_outsider_is_drawn_to_the_whole_group() -> None:
    ids = pd.Index([f"E{i}" for i in range(12)], name="entity_id")
    values = pd.DataFrame({"x": [0.1 + 0.01 * i for i in range(12)]}, index=ids)
    trials = pd.DataFrame({"x": [50.0] * 12}, index=ids)
    norms = fit(values, pd.DataFrame(index=ids), PEERS, frozenset(), 5, Rates(trials, {"x": Chance.SHARE}))
    new = pd.Index(["N1", "N2"], name="entity_id")
    asked = pd.DataFrame({"x": [0.9, 0.9]}, index=new)
    known = pd.DataFrame({"x": [2.0, 400.0]}, index=new)
    few, many = Placed(norms, ["x"], PEERS).deviations(asked, pd.DataFrame(index=new), known)[0]["x"]
    assert few < many


def test_a_reason_tells_what_a_rate_of_few_trials_counts_as() -> None:
    rows = requests({f"G{i:02d}": (1 + i % 4, 20 + i) for i in range(12)} | {"G98": (2, 2)})
    profiles = build(Engine.of({name: table(name, some) for name, some in rows.items()}), "department", day(80), 5)
    held = profiles.drawn("G98", "overdue_share")
    assert held is not None
    assert held[0] == 2
    assert 0.1 < held[1] < 0.6
    assert profiles.drawn("G98", "requests_count") is None
    (reason,) = reasons(profiles, "G98", {"overdue_share": 1.0})
    assert reason.sentence.zh.count("其总数为 2，折算后按") == 1
    assert "Over 2 in all" in reason.sentence.en


def test_who_has_none_of_two_is_no_more_suspicious_than_the_middle_of_the_peers() -> None:
    """A few peers have it always, most never: their rate lies far above their middle, where no few trials may end."""
    x = [0.0] * 30 + [0.001 * i for i in range(10)] + [0.9, 1.0, 0.95] + [0.0, 1.0]
    n = [400.0] * 43 + [2.0, 2.0]
    told = held(x, n, rate=True)
    assert told.iloc[-2] == 0.0
    assert told.iloc[-1] > 0.0
    assert (told[np.array(x) == 0.0] <= 0.0).all()
