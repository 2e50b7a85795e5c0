"""The first draft of a warning model: a file that loads, that warns on its own example, and that says what to write."""

from __future__ import annotations

from pathlib import Path

from catalogue.document import ID
from catalogue.model import Vocabulary
from gnomon.errors import Fault, Misuse, nearest

DRAFT = """\
# One warning model, one file. `gnomon catalogue check` runs its examples and says what is still weak.
id: {id}
version: 1
scene: {scene}
stage: draft
entity: {entity}
scheme: {scheme}
detector: rule
title: {{zh: 新预警模型, en: New warning model}}
meaning:
  zh: 说明计算什么，以及为什么值得一问。
  en: Say what is measured and why it is a question.
advice:
  zh: 写出可能的正当解释，以及首先要核对什么。
  en: Say what honest explanations there are, and what to check first.
basis:
  - The regulation, standard or paper that this rests on
# How much there must be to look at before the question may be asked.
needs: peers({column}) >= 20
# The question. Values over the norm of the peers, never size alone.
when: times_norm({column}) >= 5 and deviation({column}) >= 3.5
alert: times_norm({column}) >= 20
# Honest look-alikes that a profile can see, with the reason that people are told:
# unless:
#   - when: …
#     because: {{zh: …, en: …}}
examples:
  - who: {{zh: 远超同类, en: Far above its peers}}
    given: {{{column}: 120, norm({column}): 5, deviation({column}): 9, peers({column}): 60}}
    warns: true
    severity: alert
  - who: {{zh: 同类太少, en: Too few peers}}
    given: {{{column}: 120, norm({column}): 5, deviation({column}): 9, peers({column}): 3}}
    warns: false
  - who: {{zh: 数据缺失, en: Value unknown}}
    given: {{{column}: null, norm({column}): 5, peers({column}): 60}}
    warns: false
"""


def write(id: str, entity: str, folder: Path, known: dict[str, Vocabulary], scene: str, scheme: str) -> Path:
    """Write the draft of a model about `entity` to `folder/<scene>/<id>.yaml`; refuses to replace a file."""
    if not ID.match(id):
        raise Misuse("catalogue.load.id", place="ID", id=id)
    if entity not in known:
        close = nearest(entity, known)
        raise Misuse("catalogue.load.entity", place="--entity", entity=entity, nearest=close)
    column = min(known[entity].columns)
    return put(id, folder, scene, DRAFT.format(id=id, entity=entity, column=column, scene=scene, scheme=scheme))


def put(id: str, folder: Path, scene: str, text: str) -> Path:
    """Write a draft to `folder/<scene>/<id>.yaml`; refuses to replace a file."""
    path = folder / scene / f"{id}.yaml"
    if path.exists():
        raise Fault("catalogue.new.exists", place=str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
