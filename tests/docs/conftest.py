"""Documentation as tests: its console blocks are commands, its titled blocks are files, its output lines are claims."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"(?<=:)8000\b|(?<=--port )8000\b")
"""The port that pages write; runs take a free one."""
KEEP = "[ ! -f .exported ] || source .exported"
"""What a command exports, the next ones see: every command has a shell of its own."""
PATIENCE = 300
"""Seconds that one command may take."""


@dataclass(frozen=True)
class Command:
    """One `$ ` line and the lines that it must print."""

    line: int
    text: str
    shown: tuple[str, ...]
    runs: bool

    @property
    def background(self) -> bool:
        """Whether it goes on while the next commands run."""
        return self.text.endswith("&")


@dataclass(frozen=True)
class Written:
    """A block that is a file of the reader's: ```yaml title=mine/W900.yaml."""

    line: int
    path: str
    body: str


def steps(page: Path) -> list[Command | Written]:
    """The commands and files of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found: list[Command | Written] = []
    for block in FENCE.finditer(text):
        info, body = block["info"].split(), block["body"]
        line = text[: block.start()].count("\n") + 1
        title = next((word.removeprefix("title=") for word in info if word.startswith("title=")), None)
        if title:
            found.append(Written(line, title, body))
        elif info[:1] == ["console"]:
            found += commands(body, line, "no-run" not in info)
    return found


def commands(body: str, line: int, runs: bool) -> Iterator[Command]:
    """The commands of one console block; a backslash at the end of a line carries on."""
    at, told, shown = line, "", []
    for number, written in enumerate(body.replace("\\\n", "\0").splitlines(), start=line + 1):
        if written.startswith("$ "):
            if told:
                yield Command(at, told, tuple(shown), runs)
            at, told, shown = number, written[2:].replace("\0", "\\\n").strip(), []
        elif written.strip() and written.strip() not in {"...", "…"}:
            shown.append(written.strip())
    if told:
        yield Command(at, told, tuple(shown), runs)


class Reader:
    """Somebody who follows a page in a folder of their own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = str(port)
        self.left_running: list[subprocess.Popen[str]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GNOMON_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
        self.environment = kept | {"PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "COLUMNS": "250"}

    def follow(self, page: Path) -> None:
        """Do everything that the page says; fails at the first thing that is not so."""
        for step in steps(page):
            place = f"{page.relative_to(ROOT)}:{step.line}"
            if isinstance(step, Written):
                path = self.folder / step.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(PORT.sub(self.port, step.body), encoding="utf-8")
            elif step.runs:
                self._run(step, place)

    def _run(self, step: Command, place: str) -> None:
        text = PORT.sub(self.port, step.text)
        if step.background:
            self._leave_running(text.removesuffix("&").strip(), place)
            return
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", f"{KEEP}\n{text}\nexport -p > .exported"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{place}: `{step.text}` ended with {done.returncode}\n{said}"
        for line in step.shown:
            assert pattern(PORT.sub(self.port, line)).search(plain(said)), (
                f"{place}: `{step.text}` does not print\n  {line}\nbut\n{said}"
            )

    def _leave_running(self, text: str, place: str) -> None:
        log = self.folder / "background.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"{KEEP}\nexec {text}"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.left_running.append(process)
        for _ in range(300):
            assert process.poll() is None, f"{place}: {log.read_text()}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(self.port))) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(f"{place}: nothing listens on port {self.port} after 30 seconds")

    def leave(self) -> None:
        """Stop what runs in the background."""
        for process in self.left_running:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def plain(text: str) -> str:
    """Runs of spaces as one: tables pad their columns."""
    return re.sub(r"[ \t]+", " ", text)


def pattern(line: str) -> re.Pattern[str]:
    """A shown line as it must stand in the output; `…` stands for anything on the line."""
    return re.compile(".*?".join(re.escape(part) for part in plain(line).split("…")))


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the small sample city has walked the whole road once."""
    folder = tmp_path_factory.mktemp("city")
    reader = Reader(folder, 0)
    made = subprocess.run(
        ["gnomon", "demo", "--size", "small"],
        cwd=folder,
        env=reader.environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture
def reader(city: Path, tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Follows a page in a copy of the city's folder."""
    folder = tmp_path / "reader"
    shutil.copytree(city, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    somebody = Reader(folder, port)
    yield somebody.follow
    somebody.leave()


@pytest.fixture(scope="session")
def read_steps() -> Callable[[Path], list[Command | Written]]:
    """Reads the commands and files of a page."""
    return steps
