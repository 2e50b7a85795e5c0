"""Contract of `site_attendance`: one row per person, site, day."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="site_attendance",
    pack="project",
    title=Text("实名制考勤", "Site attendance"),
    grain="one row per person, site, day",
    event=("day",),
    columns=(
        Column("project_id", "str", Text("项目", "project id"), key=True, required=True, references="project"),
        Column("person_id", "hash", Text("人员", "person id"), key=True, required=True, references="person"),
        Column("day", "date", Text("日期", "day"), key=True, required=True),
        Column("employer_org_id", "str", Text("用工单位", "employer org id"), references="organization"),
        Column(
            "role",
            "enum",
            Text("岗位", "role"),
            required=True,
            values=(
                "project_manager",
                "chief_supervisor",
                "engineer",
                "worker",
            ),
        ),
        Column("minutes", "decimal", Text("在场分钟", "minutes"), unit="minute"),
    ),
)
