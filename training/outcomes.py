"""When an outcome may teach: a refutation only once it can no longer be overturned easily.

A confirmed case stays confirmed. A false alarm that was closed yesterday may be reopened, objected to or followed by
what takes longer to prove: taken as honest at once, it would teach that what was found late is harmless.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from gnomon.terms import Outcome


def ripe(rows: pd.DataFrame, moment: datetime | None, delay: int) -> pd.DataFrame:
    """The labels without the false alarms that are younger than `delay` days at `moment` (None: now).

    What is left out is unknown, as if nobody had looked yet. A label without a date is taken as given long before.
    """
    if delay <= 0:
        return rows
    since = pd.Timestamp(moment or datetime.now(UTC)) - timedelta(days=delay)
    young = rows["outcome"].eq(Outcome.FALSE_ALARM.value) & (rows["labelled_at"] > since)
    return rows[~young].reset_index(drop=True)
