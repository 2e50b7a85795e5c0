"""What is watched as Prometheus metrics, text format 0.0.4. Every metric is listed in docs/operations/monitoring.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from monitoring import job_store
from monitoring.comparison import SCORE, Light

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from monitoring.comparison import Drift
    from monitoring.feeds import FeedHealth
    from monitoring.standing import Standing
    from monitoring.watchdog import Overdue

METRICS = {
    "gnomon_watch_seconds": "When everything was last looked at, Unix time.",
    "gnomon_drift_light": "1 for the light of the newest comparison: green, amber, red or grey.",
    "gnomon_drift_moved": "Columns that moved in the newest comparison.",
    "gnomon_drift_columns": "Columns that were compared.",
    "gnomon_drift_standing": "Columns that stayed moved, by likely cause.",
    "gnomon_drift_psi": "Population stability index of the served score.",
    "gnomon_feed_last_arrival_seconds": "When a source last sent, Unix time.",
    "gnomon_feed_troubles": "Things that are not as usual at a source, by kind.",
    "gnomon_job_overdue": "1 for a schedule that is late, hangs or failed.",
    "gnomon_job_last_run_seconds": "When a job last began, Unix time.",
    "gnomon_job_duration_seconds": "How long a job's last run took.",
    "gnomon_job_runs": "Runs on record, by how they ended.",
    "gnomon_alerts_standing": "Alerts that stand, by kind.",
    "gnomon_channels_unreached": "Channels that could not be reached and are owed a message.",
}
"""Every metric, all of them gauges, and what it says."""

Sample = tuple[Mapping[str, str], float]


def text(
    session: Session,
    drifts: Sequence[Drift],
    feeds: Sequence[FeedHealth],
    overdue: Sequence[Overdue],
    standing: Sequence[Standing],
    now: datetime,
) -> str:
    """All metrics; `drifts` are the newest comparisons, one a kind of entity.

    Labels name kinds of entities, sources, jobs and models; never an entity or a person.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in METRICS}
    samples["gnomon_watch_seconds"].append(({}, now.timestamp()))
    for one in drifts:
        named = {"entity": one.entity, "model": one.model}
        for light in Light:
            samples["gnomon_drift_light"].append(({**named, "light": light}, float(one.light is light)))
        samples["gnomon_drift_moved"].append((named, len(one.moved)))
        samples["gnomon_drift_columns"].append((named, len(one.columns)))
        score = next((row for row in one.columns if row.column == SCORE), None)
        if score is not None and score.psi is not None:
            samples["gnomon_drift_psi"].append((named, score.psi))
    for (entity, cause), many in Counter((one.entity, one.cause) for one in standing).items():
        samples["gnomon_drift_standing"].append(({"entity": entity, "cause": cause}, many))
    for feed in feeds:
        samples["gnomon_feed_last_arrival_seconds"].append(({"source": feed.source}, feed.last.timestamp()))
        for sign, many in Counter(one.sign for one in feed.troubles).items():
            samples["gnomon_feed_troubles"].append(({"source": feed.source, "sign": sign}, many))
    late = {(one.job, one.what) for one in overdue}
    for job in job_store.jobs(session):
        samples["gnomon_job_overdue"].append(({"job": job.name}, float(any(name == job.name for name, _ in late))))
        runs = job_store.runs(session, job.name, 200)
        if runs:
            samples["gnomon_job_last_run_seconds"].append(({"job": job.name}, runs[0].started_at.timestamp()))
        took = next((one.seconds for one in runs if one.seconds is not None), None)
        if took is not None:
            samples["gnomon_job_duration_seconds"].append(({"job": job.name}, took))
        for state, many in Counter(one.state for one in runs).items():
            samples["gnomon_job_runs"].append(({"job": job.name, "state": state}, many))
    for kind, many in Counter(one.kind for one in job_store.standing_alerts(session)).items():
        samples["gnomon_alerts_standing"].append(({"kind": kind}, many))
    samples["gnomon_channels_unreached"].append(({}, len(job_store.unreached(session))))
    return "\n".join(_lines(samples)) + "\n"


def _lines(samples: Mapping[str, Iterable[Sample]]) -> Iterable[str]:
    for name, held in samples.items():
        yield f"# HELP {name} {METRICS[name]}"
        yield f"# TYPE {name} gauge"
        for labels, value in held:
            told = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
            yield f"{name}{{{told}}} {value:.10g}" if told else f"{name} {value:.10g}"


def _escaped(label: str) -> str:
    return str(label).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
