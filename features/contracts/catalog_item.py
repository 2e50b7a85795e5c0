"""Contract of `catalog_item`: one row per drug, service, consumable, bed, bill-of-quantities item, good or food."""

from features.contracts.column import ITEMS, Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="catalog_item",
    pack="reference",
    title=Text("项目目录", "Catalog item"),
    grain="one row per drug, service, consumable, bed, bill-of-quantities item, good or food",
    standard="FHIR Medication / ChargeItemDefinition; OCDS items[]/classification",
    columns=(
        Column(
            "item_code",
            "code",
            Text("编码", "item code"),
            schemes=ITEMS,
            key=True,
            required=True,
            note="drugs: NHSA drug code; services: NHSA service-item code; consumables: NHSA consumable code; works: GB 50500 list code; goods: procurement catalogue",
            maps="NHSA 15 codes; OCDS items[]/classification/id; CMS Gnrc_Name/Brnd_Name",
        ),
        Column(
            "item_kind",
            "enum",
            Text("类型", "item kind"),
            required=True,
            values=(
                "drug",
                "service",
                "consumable",
                "facility",
                "works",
                "goods",
                "food",
                "waste",
            ),
        ),
        Column("name", "str", Text("名称", "name"), required=True),
        Column(
            "class_code",
            "code",
            Text("分类码", "class code"),
            note="ATC for drugs; first 2 digits = level one for goods/works",
            maps="OCDS items[]/classification",
        ),
        Column(
            "base_unit",
            "str",
            Text("计量单位", "base unit"),
            required=True,
            note="tablet, ml, piece, day, hour, m3, kg",
            maps="OCDS items[]/unit/name",
        ),
        Column(
            "strength",
            "decimal",
            Text("单位含量", "strength"),
            note="mg (or IU) per base_unit",
            unit="mg or IU per base_unit",
        ),
        Column("ddd", "decimal", Text("限定日剂量", "ddd"), note="WHO DDD in the strength unit", unit="strength unit"),
        Column(
            "max_daily_dose",
            "decimal",
            Text("说明书日最大量", "max daily dose"),
            note="strength unit per day",
            unit="strength unit per day",
        ),
        Column("max_days_per_rx", "int", Text("单张处方最大天数", "max days per rx"), note="days", unit="day"),
        Column(
            "nrdl_class",
            "enum",
            Text("医保甲乙丙类", "nrdl class"),
            values=(
                "A",
                "B",
                "C",
            ),
            note="A, B, C(目录外)",
        ),
        Column("is_restricted", "bool", Text("限定支付范围", "is restricted"), note="details in catalog_rule"),
        Column("price_cap", "money", Text("限价", "price cap"), unit="CNY", note="per base_unit"),
        Column(
            "sex_limit",
            "enum",
            Text("性别限制", "sex limit"),
            values=(
                "M",
                "F",
            ),
        ),
        Column("age_min", "int", Text("最小年龄", "age min"), note="years", unit="year"),
        Column("age_max", "int", Text("最大年龄", "age max"), note="years", unit="year"),
        Column("required_resource", "enum", Text("所需资源", "required resource"), note="matches capacity.resource"),
        Column("std_minutes", "decimal", Text("标准时长", "std minutes"), note="minutes per unit", unit="minute"),
        Column("is_controlled", "bool", Text("特殊管理药品", "is controlled")),
    ),
)
