"""Contract of `contact_point`: one row per party and contact value."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="contact_point",
    pack="party",
    title=Text("联系方式", "Contact point"),
    grain="one row per party and contact value",
    standard="OCDS parties[]/contactPoint, parties[]/address",
    columns=(
        Column(
            "party_id", "str", Text("主体", "party id"), key=True, required=True, party=True, note="org_id or person_id"
        ),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            key=True,
            required=True,
            values=(
                "phone",
                "email",
                "address",
                "bank_account",
                "website",
            ),
        ),
        Column(
            "value_norm",
            "str",
            Text("规范值", "value norm"),
            key=True,
            required=True,
            note="normalised; bank accounts hashed",
        ),
        Column("lon", "decimal", Text("经度", "lon"), note="GCJ-02 or WGS-84, one per deployment", unit="degree"),
        Column("lat", "decimal", Text("纬度", "lat"), unit="degree"),
        Column("valid_from", "date", Text("起", "valid from")),
        Column("valid_to", "date", Text("止", "valid to")),
    ),
)
