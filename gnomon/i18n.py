"""Texts that people read, in zh and en: one message file per floor and language, looked up by key.

A key `features.ingest.missing_column` is the entry `ingest.missing_column` of `features/messages.zh.yaml` and of
`features/messages.en.yaml`. Placeholders are `{named}`. A test holds both files to the same keys and placeholders.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml

from gnomon.terms import Language, Text


@cache
def messages(floor: str, language: str) -> dict[str, str]:
    """All messages of one floor (a top-level package) in one language."""
    written = resources.files(floor).joinpath(f"messages.{language}.yaml").read_text(encoding="utf-8")
    loaded = yaml.safe_load(written) or {}
    return {str(key): str(text) for key, text in loaded.items()}


def say(key: str, language: str, **values: object) -> str:
    """The message `key` in `language`, its placeholders filled from `values`.

    Raises `KeyError` when the key is not written: a missing text is a bug and must not reach a reader.
    """
    floor, _, name = key.partition(".")
    return messages(floor, Language(language))[name].format(**{k: _told(v, language) for k, v in values.items()})


def both(key: str, **values: object) -> Text:
    """The message `key` in both languages."""
    return Text(say(key, Language.ZH, **values), say(key, Language.EN, **values))


def _told(value: object, language: str) -> object:
    return value.said_in(language) if isinstance(value, Text) else value
