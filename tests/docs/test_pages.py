"""What documentation names exists: paths, links, commands, settings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from gnomon.config import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
GENERATED = "docs/settings.md", "docs/commands.md"
WRITE = "GNOMON_TESTS_WRITE_PAGES"
"""Set it to write the generated pages anew."""
SUFFIXES = ("py", "yaml", "yml", "md", "toml", "lock", "svg", "png", "css", "js", "html", "csv")


def pages() -> list[Path]:
    return [page for page in PAGES if page.exists()]


def app() -> Any:
    from serving.cli import app

    return typer.main.get_command(app)


def every_command(command: Any, path: tuple[str, ...] = ("gnomon",)) -> Iterator[tuple[str, Any]]:
    """Every runnable command with its full name."""
    below = getattr(command, "commands", None)
    if not below:
        yield " ".join(path), command
        return
    for name, one in sorted(below.items()):
        yield from every_command(one, (*path, name))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    named = re.findall(rf"`((?:[\w.-]+/)+(?:[\w.-]+\.(?:{'|'.join(SUFFIXES)}))?)`", prose)
    lost = [path for path in named if not path.startswith(("workspace/", "mine/")) and not (ROOT / path).exists()]
    linked = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", prose)
    lost += [link for link in linked if not (page.parent / link).exists()]
    assert not lost


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_pages_show_exist(page: Path, read_steps: Callable[[Path], list[Any]]) -> None:
    known = {name for name, _ in every_command(app())}
    shown = [step.text for step in read_steps(page) if hasattr(step, "text")]
    typed = [call for text in shown for call in re.findall(r"(?:^|[|;&(]\s*)(gnomon(?: [a-z-]+)*)", text)]
    unknown = [call for call in typed if not any(call == name or call.startswith(f"{name} ") for name in known)]
    assert not [call for call in unknown if call != "gnomon"]


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pages_are_fresh(name: str) -> None:
    told = settings_page() if name.endswith("settings.md") else commands_page()
    page = ROOT / name
    if os.environ.get(WRITE):
        page.write_text(told, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == told, f"run {WRITE}=1 pytest tests/docs/test_pages.py"


def settings_page() -> str:
    """All settings as a table."""
    lines = [
        "# Settings",
        "",
        "Read from the environment; all have a default that works on one machine without a server.",
        "`--workspace` of a command goes before `GNOMON_WORKSPACE`. This page is generated from `gnomon/config.py`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        lines.append(f"| `GNOMON_{name.upper()}` | {default} | {field.description} |")
    return "\n".join([*lines, ""])


def commands_page() -> str:
    """Every command with its help and its parameters."""
    lines = [
        "# Commands",
        "",
        "Each exits with 0, 1 (the work failed) or 2 (bad usage), and tells progress and faults on stderr. Where it",
        "lists things, `--format json` or `csv` goes alone to stdout. This page is generated from the commands' help.",
    ]
    for name, command in every_command(app()):
        lines += ["", f"## `{name}`", "", *(command.help or "").strip().splitlines()]
        told = [_parameter(one) for one in command.params if one.name != "help"]
        lines += ["", "| parameter | meaning |", "|---|---|", *told] if told else []
    return "\n".join([*lines, ""])


def _parameter(one: Any) -> str:
    if one.param_type_name == "argument":
        name = (one.metavar or one.name).strip("[]").upper()
        return f"| `{name if one.required else f'[{name}]'}` | {getattr(one, 'help', '') or ''} |"
    return f"| `{', '.join([*one.opts, *one.secondary_opts])}` | {one.help or ''} |"
