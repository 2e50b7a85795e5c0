"""Bad input through the command line: a clear word, exit 1 or 2, and nothing half-written."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from features.lake import Lake
from gnomon.errors import Fault
from serving.commands import ingest as command

HEADER = "bid_id,tender_id,bidder_id,amount,status,is_winner"
GOOD = f"{HEADER}\n" + "".join(f"B{n},T,S{n},{n},valid,0\n" for n in range(500))


def parquet_bytes() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"bid_id": ["B"]}), sink)
    return sink.getvalue()


def run(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and everything told; the fault's line as `gnomon` prints it."""
    app = typer.Typer()
    command.register(app)
    done = CliRunner().invoke(app, ["ingest", *arguments, "--workspace", str(tmp_path / "ws")])
    if isinstance(done.exception, Fault):
        return done.exception.exit_code, done.exception.told("en")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("empty.csv", b"", "empty"),
        ("blank.csv", b"\n\n", "names no columns"),
        ("missing.csv", GOOD.replace("amount,status", "amount,stattus").encode(), r"status \(→ stattus\)"),
        ("strange.csv", GOOD.replace("amount", "amuont").encode(), r"amuont \(→ amount\)"),
        ("twice.csv", GOOD.replace("amount", "status").encode(), "several columns are named status"),
        ("latin.csv", f"{HEADER}\nB,T,Ü,1,valid,0\n".encode("latin-1"), "row 2 cannot be read as utf-8"),
        ("binary.csv", b"\x00\x01\x02" * 9, "cannot be read"),
        ("half.csv.gz", gzip.compress(GOOD.encode())[:-40], "cut off"),
        ("false.csv.gz", GOOD.encode(), "cut off"),
        ("half.parquet", parquet_bytes()[:-9], "cut off"),
        ("half.xlsx", b"PK\x03\x04" + b"x" * 99, "cut off"),
        ("half.json", b'[{"bid_id": "B"}, {"bid_', "cut off"),
        ("text.jsonl", b"hello\nworld\n", "no line holds a JSON object"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_nothing_goes_in(
    tmp_path: Path, name: str, data: bytes, told: str
) -> None:
    import re

    path = tmp_path / name
    path.write_bytes(data)
    code, output = run(tmp_path, str(path), "--table", "bid")
    assert code == 1, output
    assert re.search(told, " ".join(output.split())), output
    assert str(path) in output
    assert Lake(str(tmp_path / "ws" / "lake")).version == 0
    assert not list((tmp_path / "ws").glob("refused/**/*.parquet"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.csv", "--table", "bid"], "no such file"),
        (["{file}", "--table", "bids"], "Nearest: bid"),
        (["{file}", "--mapping", "providers-claim"], "Nearest: providers-claims"),
        (["{file}", "--mapping", "nowhere.yaml"], "cannot be read"),
        (["{file}"], "which table"),
        (["{file}", "--mapping", "tenders-brazil", "--table", "claim"], "does not fill"),
    ],
)
def test_bad_usage_exits_2(tmp_path: Path, arguments: list[str], told: str) -> None:
    path = tmp_path / "b.csv"
    path.write_text(GOOD)
    code, output = run(tmp_path, *(one.format(file=path) for one in arguments))
    assert (code, told in output) == (2, True), output


def test_half_a_csv_keeps_the_whole_rows_and_refuses_the_cut_one(tmp_path: Path) -> None:
    path = tmp_path / "half.csv"
    path.write_text(GOOD[: GOOD.rindex(",valid")])
    code, output = run(tmp_path, str(path), "--table", "bid")
    assert code == 0
    assert "499" in output
    assert "fields" in output


def test_a_quote_that_is_never_closed_loses_nothing_silently(tmp_path: Path) -> None:
    path = tmp_path / "quote.csv"
    path.write_text(f'{HEADER}\nB1,T,S,1,valid,0\nB2,T,"S,1,valid,0\nB3,T,S,1,valid,0\n')
    code, output = run(tmp_path, str(path), "--table", "bid")
    assert code == 1 or "refused" in output
