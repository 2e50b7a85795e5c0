"""Contract of `position`: one row per person, organisation, role spell (includes doctors and officials)."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="position",
    pack="party",
    title=Text("任职", "Position"),
    grain="one row per person, organisation, role spell (includes doctors and officials)",
    standard="FHIR PractitionerRole; OCDS parties[]/contactPoint (weak)",
    columns=(
        Column("position_id", "str", Text("任职标识", "position id"), key=True, required=True),
        Column("person_id", "hash", Text("人员", "person id"), required=True, references="person"),
        Column("org_id", "str", Text("单位", "org id"), required=True, references="organization"),
        Column(
            "role",
            "enum",
            Text("岗位", "role"),
            required=True,
            values=(
                "legal_rep",
                "director",
                "supervisor_board",
                "executive",
                "finance",
                "doctor",
                "nurse",
                "pharmacist",
                "project_manager",
                "supervising_engineer",
                "bid_agent",
                "bid_expert",
                "village_cadre",
                "official",
                "school_head",
                "canteen_manager",
                "driver",
            ),
        ),
        Column(
            "is_public_official",
            "bool",
            Text("是否公职人员", "is public official"),
            required=True,
            maps="BODS politicalExposure (nearest)",
        ),
        Column("rank", "str", Text("职级", "rank")),
        Column("duty_scope", "list", Text("分管领域", "duty scope"), note="sector or item codes the person decides on"),
        Column(
            "specialty_code",
            "code",
            Text("专业", "specialty code"),
            note="doctor specialty or expert discipline",
            maps="NHSA 医保医师代码 attribute; CMS Prscrbr_Type",
        ),
        Column("licence_no", "str", Text("执业证号", "licence no"), schemes=("nhsa-staff",), maps="NHSA 医保医师代码"),
        Column("valid_from", "date", Text("起", "valid from"), required=True),
        Column("valid_to", "date", Text("止", "valid to")),
    ),
)
