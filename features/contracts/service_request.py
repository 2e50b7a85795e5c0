"""Contract of `service_request`: one row per hotline, city-management, petition or arrears request."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="service_request",
    pack="governance",
    title=Text("诉求工单", "Service request"),
    grain="one row per hotline, city-management, petition or arrears request",
    standard="Open311 GeoReport v2 (service_request)",
    event=("received_at",),
    columns=(
        Column(
            "request_id",
            "str",
            Text("工单号", "request id"),
            key=True,
            required=True,
            maps="Open311 service_request_id",
        ),
        Column(
            "channel",
            "enum",
            Text("渠道", "channel"),
            required=True,
            values=(
                "12345",
                "digital_city",
                "petition",
                "sme_arrears",
                "app",
            ),
            note="12345, digital_city(数字城管), petition(信访), sme_arrears, app",
        ),
        Column("topic_code", "code", Text("事项分类", "topic code"), required=True, maps="Open311 service_code"),
        Column("content", "text", Text("内容", "content"), maps="Open311 description"),
        Column("caller_hash", "hash", Text("诉求人", "caller hash")),
        Column(
            "object_id",
            "str",
            Text("对象", "object id"),
            party=True,
            note="org_id, project_id or asset_id complained of",
        ),
        Column("lon", "decimal", Text("经度", "lon"), maps="Open311 long", unit="degree"),
        Column("lat", "decimal", Text("纬度", "lat"), maps="Open311 lat", unit="degree"),
        Column("grid_id", "str", Text("网格", "grid id"), note="GB/T 30428.1 cell"),
        Column("received_at", "ts", Text("受理", "received at"), required=True, maps="Open311 requested_datetime"),
        Column(
            "handler_org_id",
            "str",
            Text("承办单位", "handler org id"),
            references="organization",
            maps="Open311 agency_responsible",
        ),
        Column("due_at", "ts", Text("时限", "due at"), maps="Open311 expected_datetime"),
        Column("replied_at", "ts", Text("答复", "replied at")),
        Column("closed_at", "ts", Text("办结", "closed at"), maps="Open311 updated_datetime"),
        Column(
            "resolution",
            "enum",
            Text("结果", "resolution"),
            values=(
                "resolved",
                "explained",
                "rejected",
                "transferred",
                "unresolved",
            ),
        ),
        Column("reply_text", "text", Text("答复内容", "reply text"), maps="Open311 status_notes"),
        Column("satisfaction", "int", Text("满意度", "satisfaction"), note="1-5", unit="point"),
        Column("reopened_of_id", "str", Text("重办原单", "reopened of id"), references="service_request"),
        Column("evidence_count", "int", Text("办结佐证数", "evidence count"), unit="count"),
    ),
)
