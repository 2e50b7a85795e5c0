"""Reads the catalogue: every YAML file under the shipped models and under the user's folder, one model each.

Nothing is registered anywhere: a file in the folder is a model. All faults of all files are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from catalogue.document import Document
from catalogue.expression import parse
from catalogue.model import Vocabulary, WarningModel
from catalogue.vocabulary import vocabularies
from gnomon.errors import Fault, nearest

SHIPPED = Path(__file__).parent / "models"
"""Folder of the models that come with Gnomon."""


class CatalogueFault(Fault):
    """Everything that is wrong with the catalogue, file by file."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("catalogue.load.faults", place=faults[0].place, count=len(faults))

    def told(self, language: str) -> str:
        """One line a fault."""
        return "\n".join(fault.told(language) for fault in self.faults)


def load(
    extra: Path | None = None, known: Mapping[str, Vocabulary] | None = None, any_names: bool = False
) -> dict[str, WarningModel]:
    """All warning models by id: the shipped ones, then those of `extra`, which override shipped ids.

    Parameters
    ----------
    known:
        What profiles of each entity have, to which every name in every condition is held; read from the measures when
        not given.
    any_names:
        Leave names alone. A misspelt column would then never be known and its model never speak.

    Raises
    ------
    CatalogueFault
        One, carrying all faults of all files.
    """
    has = None if any_names else known if known is not None else vocabularies()
    faults: list[Fault] = []
    found: dict[str, WarningModel] = {}
    for folder in (SHIPPED, extra):
        if folder is None:
            continue
        if not folder.is_dir():
            faults.append(Fault("catalogue.load.folder", place=str(folder)))
            continue
        here: dict[str, WarningModel] = {}
        for path in sorted(folder.rglob("*.y*ml")):
            model = read(path, faults, has)
            if model is not None and model.id in here:
                first = here[model.id].path
                faults.append(Fault("catalogue.load.duplicate", place=model.place("id"), id=model.id, first=first))
            elif model is not None:
                here[model.id] = model
        found |= here
    if faults:
        raise CatalogueFault(tuple(faults))
    return dict(sorted(found.items(), key=lambda item: (item[1].scene, item[1].stage, item[0])))


def read(path: Path, faults: list[Fault], known: Mapping[str, Vocabulary] | None = None) -> WarningModel | None:
    """The model of one file; nothing when `faults` had to be added to."""
    before = len(faults)
    document = Document.read(path, faults)
    model = document.model() if document is not None else None
    if model is not None:
        faults.extend(_wrong(model, known))
    return model if len(faults) == before else None


def _wrong(model: WarningModel, known: Mapping[str, Vocabulary] | None) -> Iterator[Fault]:
    if known is not None and model.entity not in known:
        close = nearest(model.entity, known)
        yield Fault("catalogue.load.entity", place=model.place("entity"), entity=model.entity, nearest=close)
        known = None
    if model.path.stem != model.id:
        yield Fault("catalogue.load.file_name", place=model.place("id"), id=model.id, file=model.path.name)
    for key, text in model.conditions.items():
        try:
            expression = parse(text, model.place(key))
        except Fault as fault:
            yield fault
            continue
        if known is not None:
            has = known[model.entity]
            yield from expression.faults(model.place(key), model.entity, has.columns, has.attributes)
