"""Contract of `capacity`: one row per organisation, resource, period."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="capacity",
    pack="medical",
    title=Text("机构资源", "Capacity"),
    grain="one row per organisation, resource, period",
    columns=(
        Column("org_id", "str", Text("机构", "org id"), key=True, required=True, references="organization"),
        Column(
            "resource",
            "enum",
            Text("资源", "resource"),
            key=True,
            required=True,
            values=(
                "bed",
                "doctor",
                "nurse",
                "ct",
                "mri",
                "ultrasound",
                "dialysis",
                "ventilator",
                "therapist",
                "lab_analyser",
            ),
        ),
        Column("quantity", "decimal", Text("数量", "quantity"), required=True, unit="count"),
        Column("daily_minutes", "decimal", Text("单件日可用分钟", "daily minutes"), unit="minute"),
        Column("valid_from", "date", Text("起", "valid from"), key=True, required=True),
        Column("valid_to", "date", Text("止", "valid to")),
    ),
)
