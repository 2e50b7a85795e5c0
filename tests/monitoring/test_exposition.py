"""The metrics, the dashboard and the alert rules that ship name the same things."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import yaml

from gnomon.config import Settings
from gnomon.database import transaction
from monitoring import job_store, schedules
from monitoring.drift import compared
from monitoring.effect import Summary
from monitoring.exposition import METRICS, text
from monitoring.feeds import FeedHealth, Sign, Trouble
from monitoring.watchdog import Lateness, Overdue
from serving.api.metrics import METRICS as SERVED_METRICS
from serving.api.metrics import Metrics

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:\\.|[^"\\])*",?)*)\})? (-?[0-9.e+-]+)$')
LABEL = re.compile(r'([a-z_]+)="((?:\\.|[^"\\])*)"')
NAME = re.compile(r"\bgnomon_[a-z_]+\b")
SERVED = {*SERVED_METRICS, *(f"gnomon_request_seconds_{part}" for part in ("bucket", "sum", "count"))}
"""Counted by the process that answers requests."""


def told(tmp_path: Path) -> str:
    side = {"score": Summary.of([float(n) for n in range(100)])}
    drift = compared("institution", side, side, as_of=NOW, model="m/1")
    feed = FeedHealth('hot"line', 9, NOW, 1.0, (Trouble("hotline", Sign.LATE, "", 1.0, 9.0),))
    with job_store.opened(Settings(workspace=tmp_path)) as engine:
        with transaction(engine) as session:
            schedules.save(session, "nightly", "score", {}, cron="0 6 * * *", now=NOW)
        schedules.run(engine, "nightly", {"score": lambda given: {}}, 1, by_hand=True)
        with transaction(engine) as session:
            late = [Overdue("nightly", Lateness.LATE, NOW)]
            return text(session, [drift], [feed], late, [], NOW)


def served() -> str:
    counted = Metrics()
    for status, seconds in ((200, 0.003), (200, 40.0), (404, 0.1)):
        counted.request("GET", "/v1/cases/{case_id}", status, seconds)
    counted.scored("institution", 3)
    return counted.text({"open": 4, "closed": 0})


def check(text: str) -> dict[str, str]:
    """What `promtool check metrics` looks at: the metrics by name, with their kinds."""
    kinds: dict[str, str] = {}
    helped: set[str] = set()
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    current = ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, current, says = line.split(" ", 3)
            assert current not in helped
            assert says
            helped.add(current)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current
            assert name not in kinds
            assert (kind == "counter") == name.endswith("_total")
            kinds[name] = kind
        else:
            found = SAMPLE.match(line)
            assert found, line
            ends = ("_bucket", "_sum", "_count") if kinds[current] == "histogram" else ("",)
            assert found[1] in {current + end for end in ends}, line
            labels = LABEL.findall(found[2] or "")
            assert len({name for name, _ in labels}) == len(labels)
            assert (found[1], frozenset(labels)) not in seen, line
            seen.add((found[1], frozenset(labels)))
    assert helped == set(kinds)
    return kinds


def test_every_line_is_of_the_format_and_every_metric_is_declared(tmp_path: Path) -> None:
    watched = told(tmp_path)
    samples = [line for line in watched.splitlines() if not line.startswith("#")]
    assert set(check(watched)) == set(METRICS)
    assert check(served()) == {name: kind for name, (kind, _) in SERVED_METRICS.items()}
    # One answer holds both.
    check(served() + watched)
    assert 'gnomon_job_overdue{job="nightly"} 1' in samples
    assert 'gnomon_feed_last_arrival_seconds{source="hot\\"line"} 1772409600' in samples


def test_every_metric_is_documented() -> None:
    page = (OPERATIONS / "monitoring.md").read_text(encoding="utf-8")
    assert {name for name in {*METRICS, *SERVED_METRICS} if f"`{name}`" not in page} == set()


def test_a_histogram_ends_in_a_bucket_that_holds_all() -> None:
    lines = dict(line.rsplit(" ", 1) for line in served().splitlines() if not line.startswith("#"))
    route = 'route="/v1/cases/{case_id}"'
    buckets = [int(count) for name, count in lines.items() if name.startswith("gnomon_request_seconds_bucket")]
    assert buckets == sorted(buckets)
    assert lines[f'gnomon_request_seconds_bucket{{{route},le="+Inf"}}'] == "3"
    assert lines[f"gnomon_request_seconds_count{{{route}}}"] == "3"


def test_the_alert_rules_are_whole_and_ask_for_metrics_that_exist() -> None:
    rules = yaml.safe_load((OPERATIONS / "alerts.yml").read_text(encoding="utf-8"))
    assert set(rules) == {"groups"}
    seen = set()
    for group in rules["groups"]:
        assert set(group) <= {"name", "interval", "rules"}
        for rule in group["rules"]:
            assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
            assert re.fullmatch(r"\d+[smhd]", rule["for"])
            assert rule["labels"]["severity"] in {"warning", "critical"}
            assert set(rule["annotations"]) == {"summary", "summary_zh"}
            assert rule["expr"].count("(") == rule["expr"].count(")")
            assert rule["expr"].count("{") == rule["expr"].count("}")
            asked = set(NAME.findall(rule["expr"]))
            assert asked
            assert asked <= set(METRICS) | SERVED
            assert rule["alert"] not in seen
            seen.add(rule["alert"])


def test_the_dashboard_asks_for_metrics_that_exist_and_its_panels_do_not_overlap() -> None:
    board = json.loads((OPERATIONS / "grafana.json").read_text(encoding="utf-8"))
    assert {"title", "uid", "schemaVersion", "panels", "templating"} <= set(board)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells
        for target in panel["targets"]:
            asked = set(NAME.findall(target["expr"]))
            assert asked
            assert asked <= set(METRICS) | SERVED
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
