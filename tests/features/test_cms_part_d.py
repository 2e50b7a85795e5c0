"""CMS Part D: aggregates of prescribers and drugs become reported totals."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from features.ingest import ingest
from features.lake import Lake
from features.mapping import load

HEADER = (
    "Prscrbr_NPI,Prscrbr_Last_Org_Name,Prscrbr_First_Name,Prscrbr_City,Prscrbr_State_Abrvtn,Prscrbr_State_FIPS,"
    "Prscrbr_Type,Prscrbr_Type_Src,Brnd_Name,Gnrc_Name,Tot_Clms,Tot_30day_Fills,Tot_Day_Suply,Tot_Drug_Cst,Tot_Benes\n"
)
FILE = f"""{HEADER}1003000126,Enkeshafi,Ardalan,Bethesda,MD,24,Surgery,S,Eliquis,Apixaban,14,15.0,407,"8,012.50",
1003000126,Enkeshafi,Ardalan,Bethesda,MD,24,Surgery,S,Metformin Hcl,Metformin Hcl,22,30.5,900,60.1,11
1003000142,Khalil,Rashid,Toledo,OH,39,Anesthesiology,S,Gabapentin,Gabapentin,59,59.0,1700,*,20
"""


def test_each_figure_is_a_reported_total_and_a_withheld_one_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "MUP_DPR_RY25_DY23_NPIBN.csv"
    path.write_text(FILE)
    lake = Lake(str(tmp_path / "lake"))
    told = {one.table: one for one in ingest([path], load("cms-part-d"), lake, tmp_path / "refused", b"k")}
    assert (told["organization"].kept, told["reported_total"].kept, told["reported_total"].refused) == (2, 13, 0)
    rows = pq.ParquetDataset(lake.files("reported_total")).read().to_pylist()
    totals = {(row["org_id"], row["metric"]): row["value"] for row in rows}
    assert totals["NPI-1003000126", "Tot_Drug_Cst:Apixaban/Eliquis"] == 8012.5
    assert ("NPI-1003000126", "Tot_Benes:Apixaban/Eliquis") not in totals
    assert told["reported_total"].dangling == ()
