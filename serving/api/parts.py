"""Every part of the API, in the order in which their paths are tried."""

from __future__ import annotations

from serving.api import (
    routes_about,
    routes_bodies,
    routes_cases,
    routes_changes,
    routes_exchange,
    routes_files,
    routes_jobs,
    routes_lists,
    routes_notices,
    routes_packages,
    routes_people,
    routes_rescreen,
    routes_results,
    routes_score,
    routes_searches,
    routes_suppressions,
    routes_trail,
    routes_warnings,
)

PARTS = (
    routes_score,
    routes_jobs,
    # Before the warnings, for `rescreen` would be read as the number of one.
    routes_rescreen,
    routes_warnings,
    routes_cases,
    routes_searches,
    routes_files,
    routes_notices,
    routes_lists,
    routes_results,
    routes_changes,
    routes_trail,
    routes_suppressions,
    routes_bodies,
    routes_people,
    routes_exchange,
    routes_packages,
    routes_about,
)
