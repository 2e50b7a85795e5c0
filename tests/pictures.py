"""Pictures of the console for the README: `python -m tests.pictures --workspace W` (a demo's workspace).

Serves the workspace on loopback, signs in with an account of its own, and saves one case page in each language under
docs/pictures. With `--all FOLDER` every page is saved there at desk and phone width, to be looked at.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from cases import pages, people, store
from cases.workflow import Role
from gnomon.config import Settings
from gnomon.database import transaction
from serving.api.app import create

DOCS = Path(__file__).parents[1] / "docs" / "pictures"
NAME = "pictures"
DESK, PHONE = (1280, 900), (390, 844)


def main() -> None:
    """Save the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--case", type=int, help="default: the gravest case about an institution")
    parser.add_argument("--all", type=Path, metavar="FOLDER")
    told = parser.parse_args()
    settings = Settings(workspace=told.workspace)
    password, case = prepared(settings, told.case)
    with served(settings) as url, browser() as opened:
        for language in ("en", "zh"):
            page = signed_in(opened, url, password, language, DESK)
            page.goto(f"{url}/console/cases/{case}")
            DOCS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=DOCS / f"case-{language}.png", clip={"x": 0, "y": 0, "width": 1280, "height": 1250})
            if told.all:
                everything(opened, url, password, language, case, told.all)


def prepared(settings: Settings, case: int | None) -> tuple[str, int]:
    """An account to look with, and the case to show."""
    password = secrets.token_urlsafe(12)
    database = store.upgrade(settings)
    with transaction(database) as session:
        if people.person(session, NAME) is None:
            people.add(session, NAME, Role.SUPERVISOR, NAME, password, display="Lin Yue")
        else:
            people.set_password(session, NAME, password, NAME)
        if case is None:
            wanted = {"state": "alive", "entity_kind": "institution", "scheme": "over-prescribing"}
            found = pages.cases(session, **wanted, order=pages.Order.GRAVEST, limit=1).rows  # type: ignore[arg-type]
            case = (found or pages.cases(session, order=pages.Order.GRAVEST, limit=1).rows)[0].id
    database.dispose()
    return password, case


def everything(opened: Any, url: str, password: str, language: str, case: int, folder: Path) -> None:
    """Every page at desk and phone width."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = {"queue": "/console/", "case": f"/console/cases/{case}", "monitoring": "/console/monitoring"}
    shown |= {"catalogue": "/console/catalogue", "models": "/console/models/tender", "trail": "/console/trail"}
    for size, (width, height) in {"desk": DESK, "phone": PHONE}.items():
        page = signed_in(opened, url, "", language, (width, height))
        page.screenshot(path=folder / f"login-{language}-{size}.png")
        page = signed_in(opened, url, password, language, (width, height))
        for name, path in shown.items():
            page.goto(url + path)
            page.screenshot(path=folder / f"{name}-{language}-{size}.png", full_page=True)
        page.context.close()


def signed_in(opened: Any, url: str, password: str, language: str, size: tuple[int, int]) -> Any:
    """A page of a fresh browser, signed in when a password is given."""
    locale = {"en": "en-GB", "zh": "zh-CN"}[language]
    context = opened.new_context(viewport={"width": size[0], "height": size[1]}, locale=locale, device_scale_factor=1.5)
    page = context.new_page()
    page.goto(url)
    if password:
        page.locator("#name").fill(NAME)
        page.locator("#password").fill(password)
        page.locator("button.do").click()
        page.wait_for_url("**/console/")
    return page


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The console on loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create(settings), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


if __name__ == "__main__":
    main()
