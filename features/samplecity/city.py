"""Make a city: lay it out, let honest people live in it, plant the schemes, place the look-alikes, write the files."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from features.samplecity.claims import pharmacy_visits, write_claims
from features.samplecity.drugs import add_catalogue
from features.samplecity.institutions import add_institutions
from features.samplecity.labels import add_labels
from features.samplecity.market import found_market
from features.samplecity.people import add_patients
from features.samplecity.plan import City, city_of
from features.samplecity.prescribing import honest_care
from features.samplecity.schemes.bidding import plant_bidding
from features.samplecity.schemes.honest_market import place_market
from features.samplecity.schemes.honest_medical import place_medical
from features.samplecity.schemes.medical import plant_medical
from features.samplecity.schemes.reform import reform as come_into_force
from features.samplecity.stays import honest_stays, without_overlaps, write_stays
from features.samplecity.tenders import honest_market, write_tenders
from features.samplecity.ties import add_ties
from features.samplecity.write import WAVES, write_city
from gnomon.errors import Misuse
from gnomon.progress import progress


@dataclass(frozen=True, slots=True)
class Sample:
    """Where a city lies and what it holds."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def history_end(self) -> datetime:
        """Last moment of the first wave, in UTC."""
        day = date.fromisoformat(self.manifest["history_end"])
        return datetime(day.year, day.month, day.day, 15, 59, 59, tzinfo=UTC)

    def files(self, wave: str) -> dict[str, Path]:
        """Source files of a wave by table."""
        return {table: self.folder / wave / f"{table}.csv" for table in self.manifest["rows"][wave]}

    def mapping(self, table: str) -> Path | None:
        """The mapping file that a table needs, none when its columns have the contract's names."""
        path = self.folder / "mappings" / f"{table}.yaml"
        return path if path.exists() else None

    @property
    def truth(self) -> Path:
        """Folder of what was planted; not for the pipeline."""
        return self.folder / "truth"


def make_city(folder: Path, seed: int = 7, size: str = "default", reform: bool = False) -> Sample:
    """Write a sample city below `folder`; the same seed and size give the same bytes.

    Parameters
    ----------
    folder:
        Made when missing. Files of an earlier city in it are replaced; a folder that holds anything else is refused.
    seed:
        Seed of everything that is drawn.
    size:
        `default` (240 institutions, 20,000 patients, ten years of 3,500 tenders) or `small` (a fifth of it).
    reform:
        The same city, but a new drug list is in force in the second wave and a new scheme comes with it.

    Raises
    ------
    Misuse
        Unknown size, or a folder with files that are no city's.
    """
    city = city_of(seed, size)
    _clear(folder)
    with progress("sample city", total=7 + 20) as step:
        build(city)
        if reform:
            come_into_force(city)
        step.advance(7)
        manifest = write_city(city, folder, step)
    return Sample(folder, manifest)


def build(city: City) -> None:
    """Fill the tables of a city; nothing is written."""
    drugs = add_catalogue(city)
    institutions = add_institutions(city)
    patients = add_patients(city, institutions)
    care = honest_care(city, institutions, patients, drugs)
    stays = honest_stays(city, institutions, patients)
    stays = plant_medical(city, institutions, patients, care, stays)
    stays = without_overlaps(place_medical(city, institutions, patients, care, stays))
    stays = write_stays(city, institutions, patients, stays)
    write_claims(city, institutions, patients, care, stays, pharmacy_visits(city, institutions, patients, drugs))
    market = found_market(city)
    honest_market(city, market)
    plant_bidding(city, market)
    place_market(city, market)
    write_tenders(city, market)
    add_ties(city, market)
    add_labels(city)


def _clear(folder: Path) -> None:
    """Make room: only what an earlier city left is removed."""
    if not folder.exists():
        return
    own = {*WAVES, "mappings", "truth", "manifest.json"}
    strange = sorted(one.name for one in folder.iterdir() if one.name not in own)
    if strange:
        raise Misuse("features.city.folder", place=str(folder), found=strange[0])
    for one in folder.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
