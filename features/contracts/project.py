"""Contract of `project`: one row per project code."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="project",
    pack="project",
    title=Text("建设项目", "Project"),
    grain="one row per project code",
    standard="OCDS planning/project; OC4IDS project",
    columns=(
        Column(
            "project_id",
            "str",
            Text("项目代码", "project id"),
            key=True,
            required=True,
            note="code of the national online approval platform",
            maps="OC4IDS id",
        ),
        Column("name", "str", Text("名称", "name"), required=True, maps="OC4IDS title"),
        Column(
            "owner_org_id",
            "str",
            Text("建设单位", "owner org id"),
            required=True,
            references="organization",
            maps="OC4IDS publicAuthority",
        ),
        Column("agent_org_id", "str", Text("代建单位", "agent org id"), references="organization"),
        Column("region_code", "code", Text("地区", "region code"), required=True),
        Column(
            "sector",
            "code",
            Text("类别", "sector"),
            required=True,
            note="building, road, bridge, water, landscape, it, pest_control, ...",
            maps="OC4IDS sector",
        ),
        Column(
            "build_type",
            "enum",
            Text("建设性质", "build type"),
            values=(
                "new",
                "expand",
                "repair",
                "maintenance",
            ),
        ),
        Column(
            "estimate_amount",
            "money",
            Text("投资估算", "estimate amount"),
            unit="CNY",
            note="approved in the feasibility study",
        ),
        Column(
            "budget_amount",
            "money",
            Text("投资概算", "budget amount"),
            unit="CNY",
            note="approved with preliminary design",
            maps="OCDS planning/budget/amount",
        ),
        Column("working_budget_amount", "money", Text("施工图预算", "working budget amount"), unit="CNY"),
        Column("settlement_claimed", "money", Text("送审结算价", "settlement claimed"), unit="CNY"),
        Column("settlement_audited", "money", Text("审定结算价", "settlement audited"), unit="CNY"),
        Column("final_account_amount", "money", Text("竣工决算", "final account amount"), unit="CNY"),
        Column("scale_qty", "decimal", Text("规模", "scale qty"), note="m2, km, m3", unit="project.scale_unit"),
        Column("scale_unit", "str", Text("规模单位", "scale unit")),
        Column("planned_start", "date", Text("计划开工", "planned start")),
        Column("planned_end", "date", Text("计划竣工", "planned end")),
        Column("lon", "decimal", Text("经度", "lon"), unit="degree"),
        Column("lat", "decimal", Text("纬度", "lat"), unit="degree"),
    ),
)
