"""Contract of `person`: one row per natural person (civil registry extract)."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="person",
    pack="party",
    title=Text("自然人", "Person"),
    grain="one row per natural person (civil registry extract)",
    standard="FHIR Patient / Practitioner; BODS person statement",
    columns=(
        Column(
            "person_id",
            "hash",
            Text("人员标识", "person id"),
            key=True,
            required=True,
            note="HMAC-SHA256 of citizen id number, keyed per deployment",
            maps="BODS recordDetails.identifiers[]",
        ),
        Column("name_hash", "hash", Text("姓名散列", "name hash"), note="clear name stays in the source system"),
        Column(
            "sex",
            "enum",
            Text("性别", "sex"),
            values=(
                "M",
                "F",
                "U",
            ),
            maps="FHIR Patient.gender",
        ),
        Column("birth_date", "date", Text("出生日期", "birth date"), maps="FHIR Patient.birthDate; BODS birthDate"),
        Column(
            "death_date",
            "date",
            Text("死亡日期", "death date"),
            note="earliest of civil, health, funeral registers",
            maps="FHIR Patient.deceasedDateTime; BODS deathDate",
        ),
        Column(
            "death_registered_on",
            "date",
            Text("死亡登记日期", "death registered on"),
            note="when the register received it (for grace periods)",
        ),
        Column("custody_from", "date", Text("羁押服刑起", "custody from"), note="latest spell"),
        Column("custody_to", "date", Text("羁押服刑止", "custody to")),
        Column("region_code", "code", Text("户籍地", "region code"), note="GB/T 2260"),
        Column(
            "household_id", "hash", Text("家庭标识", "household id"), note="household of common living (共同生活家庭)"
        ),
    ),
)
