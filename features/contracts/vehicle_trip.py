"""Contract of `vehicle_trip`: one row per trip."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="vehicle_trip",
    pack="asset",
    title=Text("公车行程", "Vehicle trip"),
    grain="one row per trip",
    event=("start_at",),
    columns=(
        Column("trip_id", "str", Text("行程", "trip id"), key=True, required=True),
        Column("asset_id", "str", Text("车辆", "asset id"), required=True, references="public_asset"),
        Column("driver_id", "hash", Text("驾驶人", "driver id"), references="person"),
        Column("start_at", "ts", Text("起", "start at"), required=True),
        Column("end_at", "ts", Text("止", "end at"), required=True),
        Column("start_lon", "decimal", Text("", "start lon"), unit="degree"),
        Column("start_lat", "decimal", Text("", "start lat"), unit="degree"),
        Column("end_lon", "decimal", Text("", "end lon"), unit="degree"),
        Column("end_lat", "decimal", Text("", "end lat"), unit="degree"),
        Column("distance_km", "decimal", Text("里程", "distance km"), unit="km"),
        Column("order_id", "str", Text("派车单", "order id"), note="null = no dispatch order"),
        Column("odometer_end", "decimal", Text("里程表", "odometer end"), unit="km"),
    ),
)
