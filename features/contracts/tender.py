"""Contract of `tender`: one row per lot."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="tender",
    pack="project",
    title=Text("招标采购(标段)", "Tender"),
    grain="one row per lot",
    standard="OCDS tender, tender/lots[]",
    event=(
        "opened_at",
        "deadline_at",
        "published_at",
    ),
    columns=(
        Column(
            "tender_id",
            "str",
            Text("标段编号", "tender id"),
            key=True,
            required=True,
            maps="OCDS ocid + tender/lots[]/id",
        ),
        Column("project_id", "str", Text("项目", "project id"), references="project"),
        Column(
            "buyer_id",
            "str",
            Text("招标人/采购人", "buyer id"),
            required=True,
            references="organization",
            maps="OCDS buyer/id",
        ),
        Column(
            "agency_id",
            "str",
            Text("代理机构", "agency id"),
            references="organization",
            maps="OCDS tender/procuringEntity/id",
        ),
        Column("title", "str", Text("名称", "title"), required=True, maps="OCDS tender/title"),
        Column(
            "category",
            "enum",
            Text("类别", "category"),
            values=(
                "works",
                "goods",
                "services",
            ),
            maps="OCDS tender/mainProcurementCategory",
        ),
        Column("class_code", "code", Text("品目", "class code"), maps="OCDS tender/items[]/classification/id"),
        Column(
            "method",
            "enum",
            Text("方式", "method"),
            values=(
                "open",
                "invited",
                "negotiation",
                "consultation",
                "inquiry",
                "single_source",
                "direct",
                "random_draw",
                "framework",
            ),
            note="open, invited, negotiation, consultation(磋商), inquiry(询价), single_source, direct, random_draw, framework",
            maps="OCDS tender/procurementMethod + procurementMethodDetails",
        ),
        Column(
            "award_criteria",
            "enum",
            Text("评标办法", "award criteria"),
            values=(
                "lowest",
                "reasonable_low",
                "comprehensive",
                "random",
            ),
            maps="OCDS tender/awardCriteria",
        ),
        Column(
            "estimated_value",
            "money",
            Text("估算价/预算", "estimated value"),
            unit="CNY",
            maps="OCDS tender/value/amount",
        ),
        Column(
            "ceiling_price",
            "money",
            Text("最高限价", "ceiling price"),
            unit="CNY",
            note="招标控制价",
            maps="OCDS tender/value or lots[]/value (local rule)",
        ),
        Column("published_at", "ts", Text("公告时间", "published at"), maps="OCDS tender/tenderPeriod/startDate"),
        Column("docs_from", "ts", Text("文件发售起", "docs from")),
        Column("docs_to", "ts", Text("文件发售止", "docs to")),
        Column("deadline_at", "ts", Text("投标截止", "deadline at"), maps="OCDS tender/tenderPeriod/endDate"),
        Column("opened_at", "ts", Text("开标时间", "opened at"), maps="OCDS tender/bidOpening/date"),
        Column("clarified_at", "ts", Text("最后澄清时间", "clarified at"), maps="OCDS tender/enquiryPeriod"),
        Column("n_downloads", "int", Text("获取文件家数", "n downloads"), unit="count"),
        Column("bond_amount", "money", Text("投标保证金", "bond amount"), unit="CNY"),
        Column(
            "eligibility_text", "text", Text("资格条件", "eligibility text"), maps="OCDS tender/eligibilityCriteria"
        ),
        Column(
            "spec_text", "text", Text("技术要求", "spec text"), maps="OCDS tender/documents[technicalSpecifications]"
        ),
        Column(
            "status",
            "enum",
            Text("状态", "status"),
            required=True,
            values=(
                "active",
                "complete",
                "cancelled",
                "failed",
            ),
            maps="OCDS tender/status",
        ),
        Column("rebid_of_id", "str", Text("重招原标段", "rebid of id"), references="tender"),
        Column("region_code", "code", Text("地区", "region code"), required=True),
    ),
)
