"""The catalogue as pages that people read: written by a command, one page a language."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from catalogue.model import Example, WarningModel
from catalogue.scenes import SCENES, SCHEMES
from gnomon.i18n import say
from gnomon.terms import Language, Text

FILES = {Language.EN: "catalogue.md", Language.ZH: "catalogue.zh.md"}
"""Page of each language."""


def write(models: Iterable[WarningModel], folder: Path) -> list[Path]:
    """Write the page of each language to `folder`."""
    told = list(models)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for language, name in FILES.items():
        path = folder / name
        path.write_text(page(told, language), encoding="utf-8")
        paths.append(path)
    return paths


def page(models: Iterable[WarningModel], language: str) -> str:
    """The whole catalogue as Markdown."""
    told = list(models)
    parts = [f"# {_say('title', language)}", _say("intro", language, models=len(told)), _say("language", language)]
    for scene, here in groupby(told, key=lambda model: model.scene):
        parts.append(f"## {_word(SCENES, scene, language)} (`{scene}`)")
        parts += [section(model, language) for model in here]
    return "\n\n".join(parts) + "\n"


def section(model: WarningModel, language: str) -> str:
    """One model as Markdown."""
    head = [
        (_say("entity", language), f"`{model.entity}`"),
        (_say("stage", language), f"`{model.stage}`"),
        (_say("scheme", language), f"{_word(SCHEMES, model.scheme, language)} (`{model.scheme}`)"),
        (_say("detector", language), _say(f"detector_{model.detector}", language)),
    ]
    lines = [f"### {model.title.said_in(language)} (`{model.id}`)", "", model.meaning.said_in(language), ""]
    lines += [f"- {name}{_colon(language)}{value}" for name, value in head]
    for key in ("needs", "when", "alert"):
        if text := model.conditions.get(key):
            lines.append(f"- {_say(key, language)}{_colon(language)}`{text}`")
    for exclusion in model.unless:
        reason = exclusion.because.said_in(language)
        lines.append(f"- {_say('unless', language)}{_colon(language)}`{exclusion.when}` — {reason}")
    lines += ["", f"**{_say('advice', language)}** {model.advice.said_in(language)}"]
    lines += ["", f"**{_say('basis', language)}** {'; '.join(model.basis)}"]
    if model.examples:
        lines += ["", f"**{_say('examples', language)}**", ""]
        lines += [f"- {_example(example, language)}" for example in model.examples]
    return "\n".join(lines)


def _example(example: Example, language: str) -> str:
    verdict = _say("warns", language) if example.warns else _say("silent", language)
    given = ", ".join(f"{name} = {'?' if value is None else value}" for name, value in example.given.items())
    return f"{example.who.said_in(language)} → {verdict}{_colon(language)}`{given}`"


def _word(words: dict[str, Text], name: str, language: str) -> str:
    return words[name].said_in(language) if name in words else name


def _colon(language: str) -> str:
    return "：" if language == Language.ZH else ": "


def _say(key: str, language: str, **values: object) -> str:
    return say(f"catalogue.pages.{key}", language, **values)
