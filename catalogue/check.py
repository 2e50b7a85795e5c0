"""What is suspicious about a warning model, though not wrong: issues by grade, one small function each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from catalogue.document import GIVEN
from catalogue.expression import Expression, parse
from catalogue.model import Vocabulary, WarningModel
from catalogue.nodes import Call, Comparison, Function, walk
from catalogue.rule import try_examples
from catalogue.scenes import SCENES, SCHEMES
from gnomon.errors import nearest
from gnomon.i18n import both
from gnomon.terms import Text


class Grade(StrEnum):
    """How much an issue weighs."""

    HIGH = "high"
    """The model does not do what it says, or will accuse the innocent. `gnomon catalogue check` fails."""
    MEDIUM = "medium"
    """An auditor could not defend this model as it stands."""
    LOW = "low"
    """Worth a second look."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to look at again."""

    grade: Grade
    model: str
    place: str
    text: Text


def check(models: Iterable[WarningModel], known: Mapping[str, Vocabulary] | None = None) -> list[Issue]:
    """All issues of all models, gravest first. With `known`, names that profiles lack are issues of grade high."""
    found = [issue for model in models for look in LOOKS for issue in look(model)]
    if known is not None:
        found += [issue for model in models for issue in unknown_names(model, known)]
    order = list(Grade)
    return sorted(found, key=lambda issue: (order.index(issue.grade), issue.place))


def _issue(grade: Grade, model: WarningModel, where: str, key: str, **values: object) -> Issue:
    return Issue(grade, model.id, model.place(where), both(f"catalogue.check.{key}", **values))


def _read(model: WarningModel, key: str) -> Expression | None:
    text = model.conditions.get(key)
    return parse(text, model.place(key)) if text else None


def unknown_names(model: WarningModel, known: Mapping[str, Vocabulary]) -> Iterator[Issue]:
    """A condition that names what no profile has can never be computed."""
    if model.entity not in known:
        close = nearest(model.entity, known)
        yield _issue(Grade.HIGH, model, "entity", "entity", entity=model.entity, nearest=close)
        return
    has = known[model.entity]
    for key in model.conditions:
        expression = _read(model, key)
        for fault in (
            expression.faults(model.place(key), model.entity, has.columns, has.attributes) if expression else ()
        ):
            text = Text(*(fault.told(language).removeprefix(f"{fault.place}: ") for language in ("zh", "en")))
            yield Issue(Grade.HIGH, model.id, fault.place, text)


def failing_examples(model: WarningModel) -> Iterator[Issue]:
    """The examples are the tests of the model."""
    if model.detector != "rule":
        return
    for number, (example, severity) in enumerate(try_examples(model)):
        if example.warns is not (severity is not None):
            key = "example_silent" if example.warns else "example_warns"
            yield _issue(Grade.HIGH, model, f"examples.{number}", key, number=number + 1, who=example.who)
        elif example.severity is not None and severity is not None and example.severity != severity:
            values = {"number": number + 1, "who": example.who, "severity": str(severity), "expected": example.severity}
            yield _issue(Grade.HIGH, model, f"examples.{number}", "example_severity", **values)


def measures_nothing(model: WarningModel) -> Iterator[Issue]:
    """A rule that compares no number has no score, so nothing ranks its warnings."""
    when = _read(model, "when")
    if when is not None and not any(comparison.columns() for comparison in when.comparisons()):
        yield _issue(Grade.HIGH, model, "when", "measures_nothing")


def no_minimum(model: WarningModel) -> Iterator[Issue]:
    """Ratios of small numbers are wild: a tiny clinic would be accused of its size."""
    if model.needs:
        return
    grade = Grade.HIGH if model.detector == "rule" else Grade.MEDIUM
    yield _issue(grade, model, "when", "no_minimum")


def no_peer_count(model: WarningModel) -> Iterator[Issue]:
    """A deviation from three peers is no deviation; a hint only, for the norm has a minimum of its own."""
    when, needs = _read(model, "when"), _read(model, "needs")
    if when is None:
        return
    relative = {node.column.name for node in walk(when.condition) if isinstance(node, Call)}
    counted = {
        node.column.name
        for node in (*walk(when.condition), *(walk(needs.condition) if needs else ()))
        if isinstance(node, Call) and node.function is Function.PEERS
    }
    if relative and not counted:
        yield _issue(Grade.LOW, model, "when", "no_peer_count", column=sorted(relative)[0])


def gate_scores(model: WarningModel) -> Iterator[Issue]:
    """What `needs` asks has been settled; asked again in `when` it makes whoever is large score high."""
    when, needs = _read(model, "when"), _read(model, "needs")
    if when is None or needs is None:
        return
    for told in sorted({str(one) for one in when.comparisons()} & {str(one) for one in needs.comparisons()}):
        yield _issue(Grade.MEDIUM, model, "when", "gate_scores", told=told)


def only_size(model: WarningModel) -> Iterator[Issue]:
    """One comparison of one plain number with a constant says "large", seldom "suspicious"."""
    when = _read(model, "when")
    if when is None or not isinstance(when.condition, Comparison) or model.alert or model.unless:
        return
    if not any(isinstance(node, Call) for node in walk(when.condition)):
        yield _issue(Grade.MEDIUM, model, "when", "only_size")


def never_excludes(model: WarningModel) -> Iterator[Issue]:
    """A model that can alert without any exclusion is rarely that certain."""
    if model.alert and not model.unless:
        yield _issue(Grade.MEDIUM, model, "alert", "never_excludes")


def no_innocent_example(model: WarningModel) -> Iterator[Issue]:
    """A look-alike that must stay silent is the test that matters most."""
    if model.detector == "rule" and all(example.warns for example in model.examples):
        yield _issue(Grade.MEDIUM, model, "examples", "no_innocent_example")


def no_warning_example(model: WarningModel) -> Iterator[Issue]:
    """A model that no example makes speak may be mute."""
    if model.detector == "rule" and not any(example.warns for example in model.examples):
        yield _issue(Grade.MEDIUM, model, "examples", "no_warning_example")


def no_null_example(model: WarningModel) -> Iterator[Issue]:
    """Missing data never accuses, and each model shows that it does not."""
    nulls = any(None in example.given.values() and not example.warns for example in model.examples)
    if model.detector == "rule" and not nulls:
        yield _issue(Grade.MEDIUM, model, "examples", "no_null_example")


def idle_values(model: WarningModel) -> Iterator[Issue]:
    """A value that no condition reads is usually a slip of the pen."""
    read = {name for key in model.conditions if (it := _read(model, key)) for name in (*it.columns(), *it.attributes())}
    for number, example in enumerate(model.examples):
        for given in example.given:
            match = GIVEN.match(given)
            name = (match["column"] if match else None) or given
            if name not in read:
                close = nearest(name, read)
                yield _issue(Grade.MEDIUM, model, f"examples.{number}.given.{given}", "idle", name=name, nearest=close)


def strange_words(model: WarningModel) -> Iterator[Issue]:
    """Scenes and schemes group warnings; a new one may be meant, or mistyped."""
    for key, word, words in (("scene", model.scene, SCENES), ("scheme", model.scheme, SCHEMES)):
        if word not in words:
            yield _issue(Grade.LOW, model, key, "strange", field=key, word=word, nearest=nearest(word, words))


LOOKS: tuple[Callable[[WarningModel], Iterator[Issue]], ...] = (
    failing_examples, measures_nothing, no_minimum, no_peer_count, gate_scores, only_size, never_excludes,
    no_innocent_example, no_warning_example, no_null_example, idle_values, strange_words,
)  # fmt: skip
"""All looks at a model: a function from a model to its issues."""
