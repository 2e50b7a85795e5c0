"""Contract of `organization`: one row per organisation (buyer, supplier, hospital, pharmacy, school, village collective, agency)."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="organization",
    pack="party",
    title=Text("组织机构", "Organization"),
    grain="one row per organisation (buyer, supplier, hospital, pharmacy, school, village collective, agency)",
    standard="OCDS parties[]; BODS entity statement; FHIR Organization",
    columns=(
        Column(
            "org_id",
            "str",
            Text("统一社会信用代码", "org id"),
            schemes=("nhsa-institution",),
            key=True,
            required=True,
            note="GB 32100 code; bodies without one: `X-` + local id",
            maps="OCDS parties[]/identifier/id; BODS recordDetails.identifiers[].id",
        ),
        Column("name", "str", Text("名称", "name"), required=True, maps="OCDS parties[]/name"),
        Column(
            "roles",
            "list",
            Text("角色", "roles"),
            required=True,
            note="buyer, supplier, agency, consultant, designer, supervisor, contractor, hospital, clinic, pharmacy, school, village_collective, gov_dept, soe, intermediary",
            maps="OCDS parties[]/roles",
        ),
        Column(
            "level",
            "enum",
            Text("等级", "level"),
            note="hospital: 3,2,1,0; department: province, city, county, town; school: kindergarten, primary, junior, senior, college",
            maps="NHSA 定点医疗机构代码 attribute",
        ),
        Column(
            "ownership",
            "enum",
            Text("所有制", "ownership"),
            values=(
                "public",
                "private",
                "collective",
                "mixed",
            ),
        ),
        Column("industry_code", "code", Text("行业代码", "industry code"), note="GB/T 4754"),
        Column(
            "size_class",
            "enum",
            Text("企业规模", "size class"),
            values=(
                "large",
                "medium",
                "small",
                "micro",
            ),
            maps="OCDS parties[]/details/scale",
        ),
        Column(
            "region_code",
            "code",
            Text("行政区划", "region code"),
            required=True,
            note="GB/T 2260",
            maps="OCDS parties[]/address/region",
        ),
        Column("founded_on", "date", Text("成立日期", "founded on"), maps="BODS foundingDate"),
        Column("dissolved_on", "date", Text("注销日期", "dissolved on"), maps="BODS dissolutionDate"),
        Column("registered_capital", "money", Text("注册资本", "registered capital"), unit="CNY", note="CNY yuan"),
        Column(
            "insured_headcount",
            "int",
            Text("参保人数", "insured headcount"),
            note="employees with social insurance, latest month",
            unit="person",
        ),
        Column("parent_org_id", "str", Text("上级单位", "parent org id"), references="organization"),
        Column("business_scope", "text", Text("经营范围", "business scope")),
    ),
)
