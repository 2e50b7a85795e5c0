"""Contract of `org_interest`: one row per interest of a party in an organisation."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="org_interest",
    pack="party",
    title=Text("股权与控制关系", "Org interest"),
    grain="one row per interest of a party in an organisation",
    standard="BODS relationship statement",
    columns=(
        Column("interest_id", "str", Text("关系标识", "interest id"), key=True, required=True, maps="BODS statementId"),
        Column(
            "org_id", "str", Text("被投资单位", "org id"), required=True, references="organization", maps="BODS subject"
        ),
        Column(
            "holder_id",
            "str",
            Text("持有人", "holder id"),
            required=True,
            party=True,
            note="person_id or org_id",
            maps="BODS interestedParty",
        ),
        Column(
            "holder_kind",
            "enum",
            Text("持有人类型", "holder kind"),
            required=True,
            values=(
                "person",
                "organization",
            ),
        ),
        Column(
            "interest_type",
            "enum",
            Text("利益类型", "interest type"),
            required=True,
            note="shareholding, votingRights, appointmentOfBoard, seniorManagingOfficial, boardMember, nominee, ... (BODS 0.4 interestType)",
            maps="BODS interests[].type",
        ),
        Column("share_pct", "ratio", Text("比例", "share pct"), note="0-100", maps="BODS interests[].share", unit="%"),
        Column(
            "directness",
            "enum",
            Text("直接/间接", "directness"),
            required=True,
            values=(
                "direct",
                "indirect",
                "unknown",
            ),
            maps="BODS interests[].directOrIndirect",
        ),
        Column("valid_from", "date", Text("起", "valid from"), maps="BODS interests[].startDate"),
        Column("valid_to", "date", Text("止", "valid to"), maps="BODS interests[].endDate"),
    ),
)
