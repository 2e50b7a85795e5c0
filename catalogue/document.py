"""One YAML file as a model: keys, types and texts checked, every fault with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import yaml

from catalogue.model import Example, Exclusion, WarningModel
from gnomon.errors import Fault, nearest
from gnomon.terms import Severity, Text

REQUIRED = ("id", "version", "scene", "stage", "entity", "scheme", "detector", "title", "meaning", "advice", "basis")
"""Keys that every model states, in the order in which they are written."""
OF_RULES = ("when", "examples")
"""Keys that a model with `detector: rule` states too."""
OPTIONAL = ("needs", "when", "alert", "unless", "examples")
DETECTORS = ("rule", "learned")
GIVEN = re.compile(r"(?:(?P<function>norm|deviation|peers)\((?P<column>[A-Za-z_]\w*)\)|[A-Za-z_]\w*)\Z")
"""What an example may give: `x`, `norm(x)`, `deviation(x)` or `peers(x)`."""
ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")


@dataclass
class Document:
    """A YAML mapping under inspection; faults go to a list that is shared by all files."""

    path: Path
    root: yaml.MappingNode
    faults: list[Fault]
    lines: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, faults: list[Fault]) -> Document | None:
        """The file as a mapping of keys, or nothing and a fault."""
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except UnicodeDecodeError:
            faults.append(Fault("catalogue.load.encoding", place=str(path)))
            return None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            problem = str(getattr(error, "problem", None) or error).splitlines()[0]
            faults.append(Fault("catalogue.load.yaml", place=f"{path}:{line}", problem=problem))
            return None
        if not isinstance(root, yaml.MappingNode):
            faults.append(Fault("catalogue.load.mapping", place=f"{path}:1", field="id"))
            return None
        return cls(path, root, faults)

    def model(self) -> WarningModel | None:
        """The model that the file declares, or nothing when any fault was found."""
        before = len(self.faults)
        keys = self.keys(self.root, "", (*REQUIRED, *OPTIONAL))
        rule = "detector" not in keys or self.word(keys["detector"], "detector", DETECTORS) == "rule"
        for missing in [key for key in (*REQUIRED, *(OF_RULES if rule else ())) if key not in keys]:
            self.fault(self.root, "missing", field=missing)
        read: dict[str, Callable[[yaml.Node], object]] = {
            "id": self.id,
            "version": lambda node: self.whole(node, "version"),
            "basis": lambda node: tuple(self.string(one, "basis") for one in self.items(node, "basis")),
            "unless": lambda node: tuple(self.exclusion(one, n) for n, one in enumerate(self.items(node, "unless"))),
            "examples": lambda node: tuple(self.example(one, n) for n, one in enumerate(self.items(node, "examples"))),
        }
        read.update({key: partial(self.text, key=key) for key in ("title", "meaning", "advice")})
        told: dict[str, Any] = {"when": "", "alert": "", "needs": "", "unless": (), "examples": ()}
        for key, node in keys.items():
            told[key] = read[key](node) if key in read else self.string(node, key)
        if len(self.faults) > before:
            return None
        return WarningModel(**told, path=self.path, lines=self.lines)

    def fault(self, node: yaml.Node, key: str, **values: object) -> None:
        """Add a fault at the node's line."""
        place = f"{self.path}:{node.start_mark.line + 1}"
        self.faults.append(Fault(f"catalogue.load.{key}", **{"place": place, **values}))  # type: ignore[arg-type]

    def keys(self, node: yaml.Node, inside: str, allowed: Sequence[str]) -> dict[str, yaml.Node]:
        """The keys of a mapping with their nodes; unknown and repeated ones are faults."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, "mapping", field=inside)
            return {}
        found: dict[str, yaml.Node] = {}
        for name, value in node.value:
            key = str(name.value)
            if key in found:
                self.fault(name, "repeated", field=key)
            elif allowed and key not in allowed:
                self.fault(name, "unknown", field=key, nearest=nearest(key, allowed))
            else:
                found[key] = value
                self.lines[f"{inside}.{key}" if inside else key] = name.start_mark.line + 1
        return found

    def string(self, node: yaml.Node, key: str) -> str:
        """A text of at least one character."""
        if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null") or not node.value.strip():
            self.fault(node, "string", field=key)
            return ""
        return " ".join(node.value.split())

    def word(self, node: yaml.Node, key: str, allowed: Sequence[str]) -> str:
        """One of a few words."""
        word = self.string(node, key)
        if word and word not in allowed:
            self.fault(node, "word", field=key, word=word, nearest=nearest(word, allowed))
        return word

    def id(self, node: yaml.Node) -> str:
        """A model's id: lower-case words joined by hyphens."""
        told = self.string(node, "id")
        if told and not ID.match(told):
            self.fault(node, "id", id=told)
        return told

    def whole(self, node: yaml.Node, key: str) -> int:
        """A whole number from 1."""
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":int"):
            value = int(yaml.safe_load(node.value))
            if value >= 1:
                return value
        self.fault(node, "whole", field=key)
        return 1

    def truth(self, node: yaml.Node, key: str) -> bool:
        """`true` or `false`."""
        if not isinstance(node, yaml.ScalarNode) or not node.tag.endswith(":bool"):
            self.fault(node, "truth", field=key)
            return False
        return bool(yaml.safe_load(node.value))

    def items(self, node: yaml.Node, key: str) -> list[yaml.Node]:
        """The entries of a list."""
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.fault(node, "list", field=key)
            return []
        return list(node.value)

    def text(self, node: yaml.Node, key: str) -> Text:
        """A text in both languages."""
        keys = self.keys(node, key, ("zh", "en"))
        for language in [one for one in ("zh", "en") if keys and one not in keys]:
            self.fault(node, "language", field=key, wanted=language)
        return Text(
            **{language: self.string(keys[language], key) if language in keys else "" for language in ("zh", "en")}
        )

    def parts(
        self, node: yaml.Node, inside: str, required: Sequence[str], optional: Sequence[str] = ()
    ) -> dict[str, yaml.Node]:
        """The keys of an entry, each required one present."""
        keys = self.keys(node, inside, (*required, *optional))
        self.lines[inside] = node.start_mark.line + 1
        for missing in [key for key in required if keys and key not in keys]:
            self.fault(node, "missing", field=f"{inside}.{missing}")
        return keys

    def exclusion(self, node: yaml.Node, number: int) -> Exclusion:
        """One entry of `unless`."""
        inside = f"unless.{number}"
        keys = self.parts(node, inside, ("when", "because"))
        when = self.string(keys["when"], f"{inside}.when") if "when" in keys else ""
        return Exclusion(when, self.text(keys["because"], f"{inside}.because") if "because" in keys else Text("", ""))

    def example(self, node: yaml.Node, number: int) -> Example:
        """One entry of `examples`."""
        inside = f"examples.{number}"
        keys = self.parts(node, inside, ("who", "given", "warns"), ("severity",))
        severity: Literal["warn", "alert"] | str | None = None
        if "severity" in keys:
            severity = self.word(keys["severity"], f"{inside}.severity", [str(one) for one in Severity])
        return Example(
            given=self.given(keys["given"], f"{inside}.given") if "given" in keys else {},
            warns=self.truth(keys["warns"], f"{inside}.warns") if "warns" in keys else False,
            severity=severity,
            who=self.text(keys["who"], f"{inside}.who") if "who" in keys else Text("", ""),
        )

    def given(self, node: yaml.Node, key: str) -> Mapping[str, Any]:
        """Values of an example: numbers, texts and nulls by name."""
        told: dict[str, Any] = {}
        for name, value in self.keys(node, key, ()).items():
            if not GIVEN.match(name):
                self.fault(value, "given_name", name=name)
            if not isinstance(value, yaml.ScalarNode):
                self.fault(value, "given_value", name=name)
                continue
            plain = yaml.SafeLoader("").construct_object(value)
            if isinstance(plain, bool) or not isinstance(plain, str | int | float | None):
                self.fault(value, "given_value", name=name)
            told[name] = plain
        return told
