"""Processes that are begun fast and killed: forked from one that has everything imported."""

from __future__ import annotations

import multiprocessing
import runpy
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

CONFTEST = Path(__file__).with_name("conftest.py")
IMPORTED = ["cases.queue", "cases.delivery", "gnomon.database", "serving.cli", "serving.engine", "features.build"]


class Nursery:
    """Begins programs on one database. A program finds `url`, `workspace`, `conftest` and `ready` among its names."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(IMPORTED)
        self.url = engine.url.render_as_string(hide_password=False)
        self.folder = folder

    def begun(self, program: str, **given: Any) -> Any:
        """A process that has come to its work."""
        path = self.folder / "program.py"
        path.write_text(program, encoding="utf-8")
        ready = self.context.Event()
        known = {"url": self.url, "workspace": str(self.folder), "conftest": str(CONFTEST), "ready": ready, **given}
        process = self.context.Process(target=runpy.run_path, args=(str(path), known))
        process.start()
        assert ready.wait(120)
        return process
